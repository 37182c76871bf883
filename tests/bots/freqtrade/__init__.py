"""freqtrade itself, trading on the simulator."""

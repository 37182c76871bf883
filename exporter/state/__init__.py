"""What is known now, in plain numbers; collectors read it at each scrape."""

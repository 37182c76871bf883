"""The HTTP side: metrics, health, and a page that says where everything is."""

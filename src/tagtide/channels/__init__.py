"""Ways to tell people, one folder per kind; each implements `ports.Channel`."""

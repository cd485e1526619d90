"""What tests share: benches, clients, and the census of what a test leaves behind."""

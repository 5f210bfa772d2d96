"""What a report is written to: its page, its JSON, CSV tables, and the card of one system."""

"""What people see: tables, plans, pages, and what looks after a work folder."""

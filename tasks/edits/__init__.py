"""What people change by hand: files that never change, and what each says to the stage it concerns."""

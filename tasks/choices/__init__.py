"""What people prefer: which candidates they hear side by side, without knowing which is which, and what they chose."""

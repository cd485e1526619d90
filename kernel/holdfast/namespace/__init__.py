"""What the user's variables are; it must never import anything else of ours."""

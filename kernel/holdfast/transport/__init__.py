"""How frames travel; it must never look inside them."""

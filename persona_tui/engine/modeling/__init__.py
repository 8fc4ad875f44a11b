"""Find personas and describe them."""

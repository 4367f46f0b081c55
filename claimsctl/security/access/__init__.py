"""Users, their roles and practices, and the keys wrapped for them."""

//! Read models in the words of the shop, for terminal, JSON and API alike.

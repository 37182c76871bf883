"""The exchange itself, without a dialect and without a network: orders, books, fills, balances, markets."""

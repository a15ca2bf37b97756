"""The events of Stripe's API."""

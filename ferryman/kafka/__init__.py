"""Java client settings as librdkafka's, and the clients, topics and subscriptions made of them."""

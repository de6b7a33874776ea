"""Where answers come from: connections, replicas, breakers."""

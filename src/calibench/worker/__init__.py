"""Jobs in a durable queue: started, followed, ended exactly once."""

"""Local server with TF Serving's REST and gRPC APIs, for machines without its binary."""

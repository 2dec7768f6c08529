"""The local server: TF Serving's REST and gRPC protocol for machines without its binary."""

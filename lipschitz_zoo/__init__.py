"""The console script `lipschitz-zoo`: one command for everything."""

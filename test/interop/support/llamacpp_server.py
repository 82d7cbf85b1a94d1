"""llama.cpp's own HTTP server on a port that is free; prints its address, and ends when its input does."""

import json
import sys

import xllamacpp

model, name = sys.argv[1], sys.argv[2]
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames, params.port = ["127.0.0.1"], 0
params.n_ctx, params.n_parallel = 2048, 2
params.cpuparams.n_threads = 2
params.model_alias = {name} if isinstance(params.model_alias, (set, list)) else name
server = xllamacpp.Server(params)
print(json.dumps({"url": server.listening_address}), flush=True)
sys.stdin.read()

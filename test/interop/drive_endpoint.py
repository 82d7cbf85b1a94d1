"""Drives an endpoint with NVIDIA's HTTP client, which is not ours, and prints what it saw as JSON.

Usage: python drive_endpoint.py HOST:PORT
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


def infer(client, model, name, values, output, binary):
    tensor = triton.InferInput(name, values.shape, np_to_triton_dtype(values.dtype))
    tensor.set_data_from_numpy(values, binary_data=binary)
    wanted = triton.InferRequestedOutput(output, binary_data=binary)
    result = client.infer(model, [tensor], outputs=[wanted], request_id="r-7")
    answer = result.get_response()
    return {"id": answer.get("id"), "model": answer["model_name"], "output": result.as_numpy(output)}


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def main(address):
    with triton.InferenceServerClient(address) as client:
        rows = np.array([[1, 2, 3, 4], [-1, 0, 0.5, 8]], dtype=np.float32)
        texts = np.array(["hé", "", "a\nb", "日本"], dtype=object)
        wrong = np.zeros((2, 3), dtype=np.float32)
        seen = {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "server": client.get_server_metadata(),
            "index": client.get_model_repository_index(),
            "model": client.get_model_metadata("tiny-mlp"),
            "modelReady": client.is_model_ready("tiny-mlp"),
            "versionReady": client.is_model_ready("tiny-mlp", "1"),
            "unknownReady": client.is_model_ready("nope"),
            "json": infer(client, "tiny-mlp", "x", rows, "y", binary=False),
            "binary": infer(client, "tiny-mlp", "x", rows, "y", binary=True),
            "textJson": infer(client, "echo-string", "text", texts, "echo", binary=False),
            "textBinary": infer(client, "echo-string", "text", texts, "echo", binary=True),
            "unknownModel": refusal(lambda: infer(client, "nope", "x", rows, "y", binary=True)),
            "wrongShape": refusal(lambda: infer(client, "tiny-mlp", "x", wrong, "y", binary=True)),
        }
    print(json.dumps(seen, default=plain))


def plain(value):
    """Arrays, and the bytes that tritonclient gives for BYTES, as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"{type(value)} in an answer")


if __name__ == "__main__":
    main(sys.argv[1])

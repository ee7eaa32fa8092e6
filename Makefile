PY := .venv/bin/python
.PHONY: proto

proto:
	cd proto && ../$(PY) -m grpc_tools.protoc -I . --python_out=../services --grpc_python_out=../services --mypy_out=../services --mypy_grpc_out=../services --plugin=protoc-gen-mypy=../.venv/bin/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=../.venv/bin/protoc-gen-mypy_grpc $$(find quorate -name '*.proto' | sort)

"""The gateway: the public API in front of several validators; owns nothing of the chain."""

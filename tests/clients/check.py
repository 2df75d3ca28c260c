"""PyJWT verifies by the code of docs/integrating.md the tokens that check.mjs prints, and refuses what is not one."""

import json
import os
import sys

import jwt

from verify import verify

tokens = json.load(sys.stdin)
for token in tokens["good"]:
    claims = verify(token)
    assert (claims["tid"], claims["role"]) == (tokens["tenant"], "owner"), claims
for what, token in tokens["bad"].items():
    try:
        verify(token)
    except jwt.PyJWTError:
        continue
    sys.exit(f"accepted: {what}")
os.environ["INNKEEPER_AUDIENCE"] = "innkeeper-production"
try:
    verify(tokens["good"][0])
    sys.exit("accepted: for another audience")
except jwt.InvalidAudienceError:
    pass
print(f"pyjwt: verified {len(tokens['good'])} tokens, refused {len(tokens['bad']) + 1}", file=sys.stderr)

"""Which tokens were called back before their time.

`revoked:{org}` holds two kinds of members: a token id, which calls back that one token, and
`sub@iat`, which calls back every token of a user issued up to that second. The second kind is
what "sign out everywhere" needs, since no list is kept of the tokens handed out.
"""

from collections.abc import Iterable

from fanwire.auth.claims import Claims


class RevokedTokens:
    """The revocations of one org. A member that makes no sense counts as a token id."""

    __slots__ = ("_token_ids", "_users")

    def __init__(self, members: Iterable[str]) -> None:
        self._token_ids: set[str] = set()
        self._users: dict[str, int] = {}
        for member in members:
            user, at, issued = member.rpartition("@")
            if at and issued.isascii() and issued.isdigit():
                self._users[user] = max(int(issued), self._users.get(user, 0))
            else:
                self._token_ids.add(member)

    def covers(self, claims: Claims) -> bool:
        """Tell whether the token that made `claims` was revoked."""
        revoked_until = self._users.get(claims.sub)
        if revoked_until is not None and claims.iat_s <= revoked_until:
            return True
        return claims.jti in self._token_ids

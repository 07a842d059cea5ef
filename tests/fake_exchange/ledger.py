"""Who owns what at the fake exchange: free and locked amounts by account and asset."""

from dataclasses import dataclass


@dataclass
class Balance:
    free_e8: int = 0
    locked_e8: int = 0


class Ledger:
    def __init__(self) -> None:
        self._balances: dict[tuple[str, str], Balance] = {}

    def balance(self, account: str, asset: str) -> Balance:
        return self._balances.setdefault((account, asset), Balance())

    def balances(self, account: str) -> dict[str, Balance]:
        return {asset: kept for (owner, asset), kept in sorted(self._balances.items()) if owner == account}

    def lock(self, account: str, asset: str, amount_e8: int) -> bool:
        """Lock a free amount, or change nothing if there is too little. A negative amount becomes free."""
        balance = self.balance(account, asset)
        if balance.free_e8 < amount_e8:
            return False
        balance.free_e8 -= amount_e8
        balance.locked_e8 += amount_e8
        return True

"""Settings: one frozen tree, a file a part. ``sources`` reads it, ``description`` explains it."""

from floorwire.config.access import AuthSettings, DoorSettings, JwtSettings, TlsSettings
from floorwire.config.connections import (
    DrainSettings,
    LimitSettings,
    OutboxSettings,
    PingSettings,
    ResumeSettings,
)
from floorwire.config.description import describe
from floorwire.config.history import HistorySettings
from floorwire.config.origins import DEFAULT, SettingInForce, settings_in_force
from floorwire.config.settings import Settings
from floorwire.config.sources import MASTER_KEY, Node, SettingsError, load, merge, put
from floorwire.config.trading import (
    AccountSettings,
    FeeSettings,
    LiveSettings,
    PaperSettings,
    RiskSettings,
    StorageSettings,
)
from floorwire.config.venues import FeedSettings, ReplaySettings, VenueSettings

__all__ = [
    "DEFAULT",
    "MASTER_KEY",
    "AccountSettings",
    "AuthSettings",
    "DoorSettings",
    "DrainSettings",
    "FeeSettings",
    "FeedSettings",
    "HistorySettings",
    "JwtSettings",
    "LimitSettings",
    "LiveSettings",
    "Node",
    "OutboxSettings",
    "PaperSettings",
    "PingSettings",
    "ReplaySettings",
    "ResumeSettings",
    "RiskSettings",
    "SettingInForce",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "TlsSettings",
    "VenueSettings",
    "describe",
    "load",
    "merge",
    "put",
    "settings_in_force",
]

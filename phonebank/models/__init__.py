"""The tables, one noun a file. State and its names, nothing else."""

from phonebank.models.account import HOST, ORGANISER, ROLES, Account, Role, account_role
from phonebank.models.account_session import AccountSession
from phonebank.models.base import Base, new_id, now
from phonebank.models.call import Answer, Call
from phonebank.models.caller import Caller
from phonebank.models.campaign import Campaign, campaign_host
from phonebank.models.contact import Contact
from phonebank.models.contact_list import ContactList, RefusedRow, UploadChunk
from phonebank.models.dead_number import DeadNumber
from phonebank.models.experiment import Experiment, ExperimentArm
from phonebank.models.pace import PaceFlag
from phonebank.models.party import Party
from phonebank.models.script import Script, ScriptVersion
from phonebank.models.set_aside import SetAside, SetAsideCall
from phonebank.models.stop import CallerAction, DoorStop
from phonebank.models.suppression import Suppression, SuppressionBatch, SuppressionSource
from phonebank.models.tally import Tally

__all__ = [
    "HOST",
    "ORGANISER",
    "ROLES",
    "Account",
    "AccountSession",
    "Answer",
    "Base",
    "Call",
    "Caller",
    "CallerAction",
    "Campaign",
    "Contact",
    "ContactList",
    "DeadNumber",
    "DoorStop",
    "Experiment",
    "ExperimentArm",
    "PaceFlag",
    "Party",
    "RefusedRow",
    "Role",
    "Script",
    "ScriptVersion",
    "SetAside",
    "SetAsideCall",
    "Suppression",
    "SuppressionBatch",
    "SuppressionSource",
    "Tally",
    "UploadChunk",
    "account_role",
    "campaign_host",
    "new_id",
    "now",
]

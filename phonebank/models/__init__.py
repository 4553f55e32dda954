"""The database tables, with one file for each kind of object. Each file has columns, constraints,
the names of states, and properties that follow from a row and its related rows."""

from phonebank.models.account import Account, Role, RoleName, ScopedRole, account_role
from phonebank.models.account_session import AccountSession
from phonebank.models.api_token import ApiToken, Scope
from phonebank.models.audit_entry import AuditEntry
from phonebank.models.base import Base, new_id, now
from phonebank.models.call import Answer, Call, CallEnding
from phonebank.models.call_correction import CallCorrection
from phonebank.models.call_out import (
    CallOut,
    CallOutSheet,
    CallOutStep,
    Pledge,
    PledgeSeat,
    SheetLine,
    SheetLineState,
    SignUp,
)
from phonebank.models.call_sight import CallSight
from phonebank.models.caller import Caller, CallerState
from phonebank.models.caller_action import CallerAction, CallerActionKind, DoorStop
from phonebank.models.campaign import (
    Campaign,
    CampaignMode,
    CampaignState,
    TrainingFor,
    campaign_host,
)
from phonebank.models.chapter import Chapter
from phonebank.models.contact import Contact, ContactState
from phonebank.models.contact_list import (
    ContactChange,
    ContactList,
    ListPurpose,
    ListState,
    RefusedRow,
    UploadCheck,
    UploadChunk,
)
from phonebank.models.contact_sight import ContactSight, SightKind
from phonebank.models.day_count import AnswerCount, CountedDay, OutcomeCount
from phonebank.models.dead_number import DeadNumber
from phonebank.models.dial_decision import DialDecision
from phonebank.models.erasure import Erasure, ErasureState
from phonebank.models.experiment import Experiment, ExperimentArm, ExperimentState
from phonebank.models.export import Export, ExportKind, ExportPiece, ExportState
from phonebank.models.guest import (
    AddressSight,
    BlockedGuest,
    Guest,
    GuestMail,
    GuestState,
    MailKind,
    NearAlert,
)
from phonebank.models.host_offer import HostOffer, HostOfferState
from phonebank.models.inbox_item import InboxItem, InboxMark, InboxState, TextSent
from phonebank.models.line import EndCause, Line, LineSide, LineState
from phonebank.models.line_event import EventKind, LineEventRow
from phonebank.models.listing import Listing, ListingKind, ListingReport, ListingState
from phonebank.models.pace_flag import PaceFlag
from phonebank.models.party import Party, PartyState
from phonebank.models.people_filter import ContactTag, FilterMember, PeopleFilter
from phonebank.models.phone_session import PhoneSession
from phonebank.models.phone_settings import PhoneSettings
from phonebank.models.place import Place
from phonebank.models.script import Script, ScriptVersion
from phonebank.models.set_aside import SetAside, SetAsideCall, SetAsideState
from phonebank.models.suppression import (
    BatchState,
    HashedNumber,
    Suppression,
    SuppressionBatch,
    SuppressionOrigin,
    SuppressionSource,
)
from phonebank.models.tally import Tally
from phonebank.models.told_change import ToldChange, ToldKind, ToldState
from phonebank.models.trained_mark import TrainedMark
from phonebank.models.training import Trainee, Training
from phonebank.models.volunteer import (
    Consent,
    EmailConfirmation,
    Volunteer,
    VolunteerCaller,
)
from phonebank.models.volunteer_role import VolunteerRole, VolunteerRoleKind
from phonebank.models.webhook import DeliveryState, Webhook, WebhookDelivery, WebhookEvent

# Templates know these by their names.
STATES = (
    BatchState,
    CallEnding,
    CallOutStep,
    CallerActionKind,
    CallerState,
    CampaignMode,
    CampaignState,
    ContactState,
    DeliveryState,
    ErasureState,
    ExperimentState,
    ExportKind,
    ExportState,
    GuestState,
    HostOfferState,
    InboxState,
    ListPurpose,
    ListPurpose,
    ListState,
    ListingKind,
    ListingState,
    PartyState,
    RoleName,
    Scope,
    SetAsideState,
    SheetLineState,
    SuppressionOrigin,
    ToldKind,
    ToldState,
    TrainingFor,
    WebhookEvent,
    VolunteerRoleKind,
)

__all__ = [
    "STATES",
    "Account",
    "AccountSession",
    "AddressSight",
    "Answer",
    "AnswerCount",
    "ApiToken",
    "AuditEntry",
    "Base",
    "BatchState",
    "BlockedGuest",
    "Call",
    "CallCorrection",
    "CallEnding",
    "CallOut",
    "CallOutSheet",
    "CallOutStep",
    "CallSight",
    "Caller",
    "CallerAction",
    "CallerActionKind",
    "CallerState",
    "Campaign",
    "CampaignMode",
    "CampaignState",
    "Chapter",
    "Consent",
    "Contact",
    "ContactChange",
    "ContactList",
    "ContactSight",
    "ContactState",
    "ContactTag",
    "CountedDay",
    "DeadNumber",
    "DeliveryState",
    "DialDecision",
    "DoorStop",
    "EmailConfirmation",
    "EndCause",
    "Erasure",
    "ErasureState",
    "EventKind",
    "Experiment",
    "ExperimentArm",
    "ExperimentState",
    "Export",
    "ExportKind",
    "ExportPiece",
    "ExportState",
    "FilterMember",
    "Guest",
    "GuestMail",
    "GuestState",
    "HashedNumber",
    "HostOffer",
    "HostOfferState",
    "InboxItem",
    "InboxMark",
    "InboxState",
    "Line",
    "LineEventRow",
    "LineSide",
    "LineState",
    "ListPurpose",
    "ListState",
    "Listing",
    "ListingKind",
    "ListingReport",
    "ListingState",
    "MailKind",
    "NearAlert",
    "OutcomeCount",
    "PaceFlag",
    "Party",
    "PartyState",
    "PeopleFilter",
    "PhoneSession",
    "PhoneSettings",
    "Place",
    "Pledge",
    "PledgeSeat",
    "RefusedRow",
    "Role",
    "RoleName",
    "Scope",
    "ScopedRole",
    "Script",
    "ScriptVersion",
    "SetAside",
    "SetAsideCall",
    "SetAsideState",
    "SheetLine",
    "SheetLineState",
    "SightKind",
    "SignUp",
    "Suppression",
    "SuppressionBatch",
    "SuppressionOrigin",
    "SuppressionSource",
    "Tally",
    "TextSent",
    "ToldChange",
    "ToldKind",
    "ToldState",
    "TrainedMark",
    "Trainee",
    "Training",
    "TrainingFor",
    "UploadCheck",
    "UploadChunk",
    "Volunteer",
    "VolunteerCaller",
    "VolunteerRole",
    "VolunteerRoleKind",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
    "account_role",
    "campaign_host",
    "new_id",
    "now",
]

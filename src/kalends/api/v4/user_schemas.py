"""Users as they come in and go out (contract 2.1)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from kalends.domain import slugs
from kalends.services import personal_pages
from kalends.services.users import FirstAvailability, FirstMeetingType, NewUser, View
from kalends.storage.companies import Company as CompanyRow
from kalends.storage.users import UserType

from .channels import Channel
from .languages import Language
from .limits import BookingLimits, BookingLimitsBody
from .meeting_type_schemas import Duration, Slug
from .personal_pages import PersonalPage
from .schedules import Schedule
from .schemas import Answer, Body, Email, Line, Link, Name, OrEmpty, Phone, Stamp, Whole, Zone

UserSlug = Annotated[
    str,
    StringConstraints(max_length=200),
    AfterValidator(slugs.checked_user_slug),
    Field(description="At least 5 letters, digits and hyphens; other text is made so (`John Doe` is `john-doe`)."),
]

Capacity = Annotated[Whole, Field(ge=1, le=100, description="Units of a resource.")]
ResourceBuffer = Annotated[Whole, Field(ge=0, le=480, description="Minutes a resource keeps free around a booking.")]

_MEETING_TYPE_ID = "01977b2e-4c4a-7a31-9f0e-00007e513f3a"
_AVAILABILITY_ID = "01977b2e-4c4a-7a31-9f0e-000071380cf6"


class FirstAvailabilityBody(Body):
    """The new user's availability; what is left out takes its default."""

    name: Name | None = None
    timezone: Zone | None = None
    schedule: Schedule | None = None


class FirstMeetingTypeBody(Body):
    """The new user's meeting type; what is left out takes its default."""

    name: Name | None = None
    duration: Duration | None = None
    slug: Annotated[Slug | None, OrEmpty] = None
    channel: Channel | None = None


class UserBody(Body):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ana@klinik.test", "givenName": "Ana", "familyName": "Roth", "timezone": "Europe/Vienna"}
            ]
        }
    )

    email: Email
    given_name: Name
    family_name: Name
    timezone: Zone = "Europe/Berlin"
    slug: UserSlug | None = None
    user_type: UserType = "standard"
    language: Language | None = None
    title: Line | None = None
    phone_number: Annotated[Phone | None, OrEmpty] = None
    picture: Annotated[Link | None, OrEmpty] = None
    booking_limits: BookingLimitsBody | None = None
    capacity: Capacity = 1
    buffer_before: ResourceBuffer = 0
    buffer_after: ResourceBuffer = 0
    availability: FirstAvailabilityBody = FirstAvailabilityBody()
    meeting_type: FirstMeetingTypeBody | None = None

    def new(self) -> NewUser:
        """Hand it to the services."""
        return NewUser(
            email=self.email,
            given_name=self.given_name,
            family_name=self.family_name,
            timezone=self.timezone,
            slug=self.slug,
            user_type=self.user_type,
            language=self.language,
            title=self.title,
            phone_number=self.phone_number,
            picture=self.picture,
            booking_limits=self.booking_limits.given() if self.booking_limits else {},
            capacity=self.capacity,
            buffer_before=self.buffer_before,
            buffer_after=self.buffer_after,
            availability=FirstAvailability(**self.availability.model_dump()),
            meeting_type=FirstMeetingType(**self.meeting_type.model_dump()) if self.meeting_type else None,
        )


class UserPatch(Body):
    """What changes of a user; the e-mail address stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"givenName": "Ana", "slug": "ana-roth"}]})
    keeps_null = frozenset({"title", "phoneNumber", "picture", "bookingLimits"})

    given_name: Name | None = None
    family_name: Name | None = None
    slug: UserSlug | None = None
    timezone: Zone | None = None
    language: Language | None = None
    title: Line | None = None
    phone_number: Annotated[Phone | None, OrEmpty] = None
    picture: Annotated[Link | None, OrEmpty] = None
    booking_limits: BookingLimitsBody | None = None
    capacity: Capacity | None = None
    buffer_before: ResourceBuffer | None = None
    buffer_after: ResourceBuffer | None = None

    def columns(self) -> dict[str, Any]:
        """Name the columns that change."""
        found = self.model_dump(exclude_unset=True)
        if "booking_limits" in found:
            found["booking_limits"] = self.booking_limits.given() if self.booking_limits else {}
        return found


class UserCreated(Answer):
    """The new user, and what was made with him."""

    user_id: UUID
    availability_id: UUID
    meeting_type_id: UUID | None = Field(examples=[_MEETING_TYPE_ID])
    booking_url: str = Field(examples=["https://kalends.test/ana-roth/30min-meeting"])
    company_id: UUID


class User(Answer):
    """A user. Lists of what this server does not keep are empty; appointments have routes of their own."""

    id: UUID
    email: str = Field(examples=["ana@klinik.test"])
    given_name: str = Field(examples=["Ana"])
    family_name: str = Field(examples=["Roth"])
    full_name: str = Field(examples=["Ana Roth"])
    slug: str = Field(examples=["ana-roth"])
    title: str | None
    is_admin: bool
    is_scim_disabled: bool = False
    timezone: str = Field(examples=["Europe/Vienna"])
    language: Language
    user_type: UserType
    company_id: UUID
    picture: str | None
    phone_number: str | None
    booking_limits: BookingLimits
    capacity: int = Field(examples=[1], description="Units of a resource; 1 for everybody else.")
    buffer_before: int = Field(description="Minutes a resource keeps free before; 0 for everybody else.")
    buffer_after: int = Field(description="Minutes a resource keeps free after; 0 for everybody else.")
    anonymous_booking: bool = False
    anonymous_calendar_activity: bool = False
    show_getting_started_list: bool = False
    recieve_email_marketing: bool = False
    personal_page: PersonalPage
    default_availability_id: UUID | None = Field(examples=[_AVAILABILITY_ID])
    aircall_user_id: str | None = None
    whereby_api_key: str | None = None
    referral_id: str | None = None
    meeting_type_ids: list[UUID]
    group_ids: list[str] = Field(default=[])
    admin_group_ids: list[str] = Field(default=[])
    template_ids: list[str] = Field(default=[])
    appointment_ids: list[str] = Field(default=[])
    workspace_ids: list[str] = Field(default=[])
    reminder_ids: list[str] = Field(default=[])
    form_ids: list[str] = Field(default=[])
    created_at: Stamp
    updated_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, view: View) -> User:
        """Show a user."""
        return cls.model_validate(fields(view))


class CompanyOfMe(Answer):
    """The company, and what its plan allows: everything."""

    id: UUID
    name: str = Field(examples=["Acme"])
    tier: str = "enterprise"
    effective_tier: str = "enterprise"
    is_in_trial: bool = False
    feature_access: dict[str, bool] = Field(default={})


class Me(User):
    """The acting user and his company."""

    first_name: str = Field(examples=["Ana"])
    last_name: str = Field(examples=["Roth"])
    company: CompanyOfMe

    @classmethod
    def of_both(cls, view: View, company: CompanyRow) -> Me:
        """Show the acting user."""
        names = {"first_name": view.user.given_name, "last_name": view.user.family_name}
        return cls.model_validate(fields(view) | names | {"company": CompanyOfMe(id=company.id, name=company.name)})


class UserPage(Answer):
    """A page of users."""

    users: list[User]
    total: int = Field(examples=[1])
    limit: int = Field(examples=[20])
    offset: int = Field(examples=[0])


def fields(view: View) -> dict[str, Any]:
    """Name what an answer shows of a user; his host number stays inside."""
    user = view.user
    shown = (
        "id", "email", "given_name", "family_name", "full_name", "slug", "title", "is_admin", "timezone", "language",
        "user_type", "company_id", "picture", "phone_number", "booking_limits", "default_availability_id",
        "capacity", "buffer_before", "buffer_after", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip
    return {
        **{name: getattr(user, name) for name in shown},
        "personal_page": personal_pages.of(user),
        "meeting_type_ids": list(view.meeting_type_ids),
    }

"""Routes of the acting user's company (contract 6.6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from kalends.edge import problems
from kalends.edge.auth import Account
from kalends.edge.context import AppDep
from kalends.services import companies
from kalends.services.companies import CompanyNotFound
from kalends.services.company_settings import SETTINGS
from kalends.services.rights import AdminsOnly
from kalends.storage.companies import Company as Row

from .languages import Language
from .schemas import Answer, Body, Name, Whole, switch

router = APIRouter(prefix="/v4", tags=["Company V4"])

DAYS_30 = 30 * 1440

Switch = Annotated[
    Literal["enabled", "disabled"],
    BeforeValidator(switch),
    WithJsonSchema({"anyOf": [{"enum": ["enabled", "disabled"]}, {"type": "boolean"}]}),
]
VerifyAtBooking = Literal["stale", "always", "never"]
VerifySwitch = Annotated[
    VerifyAtBooking,
    BeforeValidator(lambda value: {True: "always", False: "never"}[value] if isinstance(value, bool) else value),
    WithJsonSchema({"anyOf": [{"enum": ["stale", "always", "never"]}, {"type": "boolean"}]}),
]
StaleCalendarPolicy = Literal["closed", "open"]


class CompanyBody(Body):
    """What changes of a company."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme", "language": "de"}]})

    name: Name | None = None
    language: Language | None = None
    double_opt_in: Switch | None = Field(default=None, description="Guests confirm their e-mail address first.")
    require_host_confirmation: Switch | None = Field(default=None, description="Hosts approve bookings first.")
    provisional_expiry_minutes: Annotated[Whole, Field(ge=1, le=DAYS_30)] | None = Field(
        default=None, description="How long a booking waits for a confirmation."
    )
    hold_minutes: Annotated[Whole, Field(ge=1, le=30)] | None = Field(
        default=None, description="How long a hold keeps its time."
    )
    verify_at_booking: VerifySwitch | None = Field(default=None, description="When calendars are asked live.")
    stale_calendar_policy: StaleCalendarPolicy | None = Field(
        default=None, description="Whether a host has slots while his calendar cannot be read."
    )

    def settings(self) -> dict[str, Any]:
        """Name the settings that change."""
        return {key: value for key, value in self.given().items() if key in SETTINGS}


class Company(Answer):
    """The company of the acting user, and its settings."""

    id: UUID
    name: str = Field(examples=["Acme"])
    language: Language
    double_opt_in: Literal["enabled", "disabled"] = Field(examples=["disabled"])
    require_host_confirmation: Literal["enabled", "disabled"] = Field(examples=["disabled"])
    provisional_expiry_minutes: int = Field(examples=[1440])
    hold_minutes: int = Field(examples=[5])
    verify_at_booking: VerifyAtBooking
    stale_calendar_policy: StaleCalendarPolicy

    @classmethod
    def of(cls, row: Row) -> Company:
        """Show a company."""
        return cls.model_validate(
            {"id": row.id, "name": row.name, "language": row.language, **SETTINGS, **row.settings}
        )


@router.get("/company/me", responses=problems.document(CompanyNotFound))
async def get_company(actor: Account, app: AppDep) -> Company:
    """Get the acting user's company."""
    async with app.reading() as conn:
        return Company.of(await companies.get(conn, actor=actor))


@router.patch("/company/me", responses=problems.document(AdminsOnly, CompanyNotFound))
async def update_company(body: CompanyBody, actor: Account, app: AppDep) -> Company:
    """Change the acting user's company; administrators only."""
    columns = {key: value for key, value in body.given().items() if key in ("name", "language")}
    async with app.transaction() as conn:
        row = await companies.update(conn, actor=actor, columns=columns, settings=body.settings(), now=app.now())
    return Company.of(row)

"""Routes of the acting user's company (contract 6.6)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict

from kalends.edge import problems
from kalends.edge.auth import Account
from kalends.edge.context import AppDep
from kalends.services import companies
from kalends.services.companies import CompanyNotFound
from kalends.services.rights import AdminsOnly
from kalends.storage.companies import Company as Row

from .languages import Language
from .schemas import Answer, Body, Name

router = APIRouter(prefix="/v4", tags=["Company V4"])


class CompanyBody(Body):
    """What changes of a company."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme", "language": "de"}]})

    name: Name | None = None
    language: Language | None = None


class Company(Answer):
    """The company of the acting user."""

    id: UUID
    name: str
    language: str

    @classmethod
    def of(cls, row: Row) -> Company:
        """Show a company."""
        return cls(id=row.id, name=row.name, language=row.language)


@router.get("/company/me", responses=problems.document(CompanyNotFound))
async def get_company(actor: Account, app: AppDep) -> Company:
    """Get the acting user's company."""
    async with app.reading() as conn:
        return Company.of(await companies.get(conn, actor=actor))


@router.patch("/company/me", responses=problems.document(AdminsOnly, CompanyNotFound))
async def update_company(body: CompanyBody, actor: Account, app: AppDep) -> Company:
    """Change the acting user's company; administrators only."""
    async with app.transaction() as conn:
        row = await companies.update(conn, actor=actor, name=body.name, language=body.language, now=app.now())
    return Company.of(row)

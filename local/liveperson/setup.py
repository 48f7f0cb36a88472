"""Setting the scene: accounts, people, skills, templates, numbers, bots, webhooks."""

from __future__ import annotations

import hashlib
from typing import Any

from ..simulator import Simulator, StoryError
from . import intake, webhooks
from .records import HandsetText
from .state import Account, Bot, Group, Phone, Skill, Template, User, Webhook
from .tokens import V1_KID, static_key_pem
from .world import World

_SCOPES = ("users.external", "msg.consumer")


class Setup(Simulator[HandsetText]):
    """The methods with which a story furnishes the platform."""

    world: World

    def add_account(
        self, account_id: str, role: str = "owner", zone: str = "americas", *,
        scopes: tuple[str, ...] = _SCOPES,
    ) -> Account:  # fmt: skip
        """An account with its app, API key and context-service key. `scopes` are the app's."""
        keys = {
            name: hashlib.sha256(f"{account_id}|{name}".encode()).hexdigest()[:32]
            for name in ("client_id", "client_secret", "consumer_key", "consumer_secret",
                         "access_token", "access_token_secret", "maven_api_key")
        }  # fmt: skip
        account = Account(account_id, role, zone, keys, scopes)
        self.world.accounts[account_id] = account
        return account

    def secrets_for(self, account_id: str) -> dict[str, Any]:
        """What the bundle's secret for this account must hold."""
        account = self.world.accounts[account_id]
        hook = account.webhooks[0].secret if account.webhooks else ""
        return {**account.keys, "webhook_secret": hook,
                "bot_token_keys": {V1_KID: static_key_pem()}}  # fmt: skip

    def add_skill(
        self, account_id: str, name: str, *, transfer_wait_s: int | None = None,
        transfer_list: list[str] | None = None,
    ) -> Skill:  # fmt: skip
        """A skill; `transfer_list` names the skills it may transfer to (None = all)."""
        account = self.world.accounts[account_id]
        if account.skill_named(name) is not None:
            raise StoryError(f"skill {name!r} is there already")
        allowed = None if transfer_list is None else [
            intake.skill_by_name(self.world, account_id, other).id for other in transfer_list
        ]  # fmt: skip
        skill = Skill(self.world.number_id(), name, transfer_wait_s, allowed)
        account.skills[skill.id] = skill
        account.revision += 1
        return skill

    def add_group(self, account_id: str, name: str, *, parent: str | None = None) -> Group:
        """A group (a store); the first one is the root."""
        account = self.world.accounts[account_id]
        root = next(iter(account.groups), None)
        group = Group(self.world.number_id(), name, parent or root)
        account.groups[group.id] = group
        account.revision += 1
        return group

    def add_user(
        self, account_id: str, login: str, *, nickname: str = "", group: str | None = None,
        manager_of: tuple[str, ...] = (), skills: tuple[str, ...] = (), employee_id: str = "",
        full_name: str = "", max_slots: int = 10, user_type: int = 1, enabled: bool = True,
        user_id: str = "",
    ) -> User:  # fmt: skip
        """An associate, manager (`manager_of` group names) or bot (`user_type` 2).

        Groups and skills by name. `user_id` only where a story needs a certain one.
        """
        account = self.world.accounts[account_id]
        if any(user.login == login for user in account.users.values()):
            raise StoryError(f"login {login!r} is there already")
        user = User(
            user_id or self.world.number_id(), self.world.uuid(), login, nickname or login,
            login, full_name, employee_id, self._group(account, group) if group else None,
            [self._group(account, name) for name in manager_of],
            [intake.skill_by_name(self.world, account_id, name).id for name in skills],
            max_slots, user_type, enabled,
        )  # fmt: skip
        account.users[user.id] = user
        account.revision += 1
        return user

    def change_user(
        self, account_id: str, login: str, *, enabled: bool | None = None,
        deleted: bool | None = None, group: str | None = None, nickname: str | None = None,
        max_slots: int | None = None,
    ) -> User:  # fmt: skip
        """What an administrator does; a disabled or deleted associate is logged out."""
        account = self.world.accounts[account_id]
        user = intake.user_by_login(account, login)
        user.enabled = user.enabled if enabled is None else enabled
        user.deleted = user.deleted if deleted is None else deleted
        user.group = user.group if group is None else self._group(account, group)
        user.nickname = user.nickname if nickname is None else nickname
        user.max_slots = user.max_slots if max_slots is None else max_slots
        if not user.exists and user.status != "OFFLINE":
            user.status, user.status_since = "OFFLINE", self.world.now()
            user.last_seen = self.world.now()
        account.revision += 1
        return user

    def add_template(self, account_id: str, template: str, text: str, variables: int = 0) -> None:
        """A message held by LivePerson: `{1}`, `{2}` … are its variables."""
        self.world.accounts[account_id].templates[template] = Template(template, text, variables)

    def map_number(self, number: str, account_id: str, skill: str) -> None:
        """Texts to this number (E.164) arrive on this account's skill."""
        found = intake.skill_by_name(self.world, account_id, skill)
        self.world.numbers[number] = (account_id, found.id)

    def roll_over(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """What arrives on (account, skill) goes on to (account, skill): owner to sub, or back."""
        first, second = (
            (account, intake.skill_by_name(self.world, account, skill).id)
            for account, skill in (source, target)
        )
        self.world.rollovers[first] = second

    def add_phone(
        self, number: str, *, zone: str | None = None, landline: bool = False,
        invalid: bool = False, opted_out_of: tuple[str, ...] = (),
    ) -> Phone:  # fmt: skip
        """A handset that is special: a landline, a bad number, elsewhere, or opted out."""
        phone = self.world.phone(number)
        phone.zone = zone or phone.zone
        phone.landline, phone.invalid = landline, invalid
        phone.opted_out |= set(opted_out_of)
        return phone

    def install_bot(
        self, account_id: str, bot_id: str, skill: str, url: str, client_id: str,
        environment: str = "draft", *, escalate_to: str | None = None,
    ) -> Bot:  # fmt: skip
        """A third-party bot on a skill: `url` is the base of its four routes, without a slash.

        When it fails, conversations go to `escalate_to` (default: a skill `<skill>-default`).
        """
        account = self.world.accounts[account_id]
        found = intake.skill_by_name(self.world, account_id, skill)
        name = escalate_to or f"{skill}-default"
        last = account.skill_named(name) or self.add_skill(account_id, name)
        login = f"{bot_id}@bots.example"
        user = next((u for u in account.users.values() if u.login == login), None)
        if user is None:
            user = self.add_user(account_id, login, skills=(skill,), user_type=2, max_slots=999)
            user.status, user.first_login = "ONLINE", self.world.now()
        bot = Bot(account_id, bot_id, found.id, url.rstrip("/"), client_id, environment, user,
                  last.id)  # fmt: skip
        account.bots[found.id] = bot
        return bot

    def install_webhook(
        self, account_id: str, client_id: str, secret: str, url: str, *,
        types: tuple[str, ...] = (webhooks.CHANGE, webhooks.CONTENT),
    ) -> Webhook:  # fmt: skip
        """An app's webhook for these event types."""
        hook = Webhook(account_id, client_id, secret, url, types)
        self.world.accounts[account_id].webhooks.append(hook)
        return hook

    @staticmethod
    def _group(account: Account, name: str) -> str:
        for group in account.groups.values():
            if name in (group.name, group.id) and not group.deleted:
                return group.id
        raise StoryError(f"no group {name!r} in account {account.id}")

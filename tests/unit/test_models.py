"""Models: what bots may rely on, and what the core relies on."""

import copy
import importlib
import json
import pickle
import pkgutil
import subprocess
import sys
from typing import Any

import mezon.models
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon.models import (
    ApiChannelDescription,
    ApiFriendList,
    ApiMessageAttachment,
    ApiMessageRef,
    ApiSession,
    ChannelMessage,
    ChannelMessageContent,
    ChannelUpdatedEvent,
    FCMTokens,
    MessageComponent,
    SSEConfig,
    UserInitData,
    UserProfileRedis,
)
from mezon.protobuf.api import api_pb2
from pydantic import BaseModel, ValidationError

MODULES = [
    importlib.import_module(f"mezon.models.{info.name}")
    for info in pkgutil.iter_modules(mezon.models.__path__)
]
CLASSES = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value.__module__.startswith("mezon.models")
    },
    key=lambda model: model.__name__,
)


def test_config_as_mezon_sdk_has_it() -> None:
    """Models whose fields have two names say so by ``Config``, on instances too."""
    assert ChannelMessage(message_id=1, clan_id=2, channel_id=3, sender_id=4).Config.populate_by_name is True
    for model in (ChannelMessageContent, MessageComponent, UserInitData):
        assert model.Config.populate_by_name is model.model_config["populate_by_name"] is True


def test_every_class_is_reached_from_the_package() -> None:
    assert len(CLASSES) > 110
    for model in CLASSES:
        if not model.__name__.startswith("_") and model.__name__ != "Model":
            assert getattr(mezon.models, model.__name__) is model
    assert set(mezon.models.__all__) == set(mezon.models._HOME_OF)
    assert set(mezon.models.__all__) <= set(dir(mezon.models))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        mezon.models.Nothing  # noqa: B018


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: model.__name__)
def test_no_class_has_what_a_raw_instance_would_skip(model: type[BaseModel]) -> None:
    decorators = model.__pydantic_decorators__
    kinds = ("validators", "field_validators", "root_validators", "model_validators", "computed_fields")
    assert all(not getattr(decorators, kind) for kind in kinds)
    assert model.model_post_init is BaseModel.model_post_init
    assert not model.__private_attributes__
    assert model.model_config.get("extra") in (None, "ignore")
    assert not model.model_config.get("frozen")
    model.model_rebuild(force=True)  # every annotation can be resolved


def test_import_builds_no_schema_and_loads_no_protobuf() -> None:
    code = (
        "import sys, mezon.models, mezon.constants, mezon.utils, mezon.session, mezon.models._outgoing\n"
        "from mezon.models import ChannelMessage\n"
        "assert not ChannelMessage.__pydantic_complete__\n"
        "print([name for name in ('google.protobuf', 'aiohttp', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_and_aliases_are_both_taken() -> None:
    content = ChannelMessageContent(t="a", hg=[{"channelid": 5, "s": 0, "e": 1}])
    assert content == ChannelMessageContent(text="a", hashtags=[{"channel_id": 5, "start": 0, "end": 1}])
    assert MessageComponent(id="a") == MessageComponent(component_id="a")
    assert UserInitData(sender_id=1, dmChannelId=2) == UserInitData(id=1, dm_channel_id=2)


def test_what_a_bot_must_give_is_required() -> None:
    with pytest.raises(ValidationError, match="message_ref_id"):
        ApiMessageRef(message_sender_id=1)
    with pytest.raises(ValidationError, match="sender_id"):
        ChannelMessage(message_id=1, clan_id=1, channel_id=1)


def test_channel_avatar_takes_text_and_lists() -> None:
    for avatar in ("a", ["a", "b"], None):
        assert ChannelUpdatedEvent(channel_avatar=avatar).channel_avatar == avatar
        assert ApiChannelDescription(channel_avatar=avatar).channel_avatar == avatar


def test_secrets_stay_out_of_reprs() -> None:
    secret = "s3cret"
    user = UserProfileRedis(app_token=secret, voip_token=secret, fcm_tokens=[FCMTokens(token_id=secret)])
    config = SSEConfig(url="u", app_id="a", token=secret, headers={"Authorization": secret})
    for model in (user, config, ApiSession(token=secret, refresh_token=secret, id_token=secret)):
        assert secret not in repr(model)
        assert secret not in str(model)
        assert secret in model.model_dump_json()


def message(**fields: Any) -> ChannelMessage:
    return ChannelMessage(**{"message_id": 1, "clan_id": 2, "channel_id": 3, "sender_id": 4, **fields})


class TestChannelMessage:
    def test_id(self) -> None:
        assert message().id == message().message_id == 1

    def test_raw_content_of_an_object_is_compact_json(self) -> None:
        assert message(content={"t": "chào", "x": None}).raw_content == '{"t":"chào","x":null}'
        assert message().raw_content == "{}"

    def test_raw_content_of_anything_else_is_beside_the_fields(self) -> None:
        plain = message()
        raw = message()
        raw.__dict__["raw_content"] = "[1,2]"
        assert raw.raw_content == "[1,2]"
        assert raw == plain
        assert raw.model_dump() == plain.model_dump()
        assert raw.model_dump_json() == plain.model_dump_json()
        assert repr(raw) == repr(plain)
        for other in (copy.copy(raw), copy.deepcopy(raw), pickle.loads(pickle.dumps(raw)), raw.model_copy()):
            assert other == raw
            assert other.raw_content == "[1,2]"
        raw.content = {"t": "new"}
        assert raw.raw_content == '{"t":"new"}'

    def test_raw_content_with_content_as_json(self) -> None:
        raw = message()
        raw.__dict__["content"] = '{"t": "a"}'
        assert raw.raw_content == '{"t": "a"}'

    def test_json_carries_any_bytes(self) -> None:
        raw = message(referenced_message=b"\x00\xff")
        assert ChannelMessage.model_validate_json(raw.model_dump_json()) == raw

    def test_db_dict_and_back(self) -> None:
        full = message(
            content={"t": "a"},
            mentions=[{"user_id": 5}],
            attachments=[{"url": "u"}],
            reactions=[{"emoji_id": 6}],
            references=[{"message_ref_id": 7, "message_sender_id": 8}],
            create_time_seconds=9,
            topic_id=10,
        )
        row = full.to_db_dict()
        assert ChannelMessage.from_db_dict(row) == full
        stored = {
            "id": 1,
            "clan_id": 2,
            "channel_id": 3,
            "sender_id": 4,
            "create_time_seconds": 9,
            "topic_id": 10,
            "msg_references": json.dumps(row["references"]),
            **{key: json.dumps(row[key]) for key in ("content", "mentions", "attachments", "reactions")},
        }
        assert ChannelMessage.from_db_dict(stored) == full
        assert full.to_message_dict() == full.model_dump()

    @pytest.mark.parametrize("broken", [None, "", "{", "5", "null", "[1]", b"\xff", "[" * 100_000])
    def test_a_broken_row_leaves_the_field_empty(self, broken: Any) -> None:
        row = {"id": 1, "clan_id": 2, "channel_id": 3, "sender_id": 4, "content": broken, "mentions": broken}
        assert ChannelMessage.from_db_dict(row) == message()


def test_user_from_a_message() -> None:
    expected = {
        "sender_id": 4,
        "username": "u",
        "clan_nick": "",
        "clan_avatar": "",
        "avatar": "",
        "display_name": "",
        "dmChannelId": 9,
    }
    for source in (api_pb2.ChannelMessage(sender_id=4, username="u"), message(username="u")):
        assert UserInitData.from_protobuf(source, 9).to_user_dict() == expected


def test_friend_list_reads_like_a_dict() -> None:
    wire = api_pb2.FriendList(
        friends=[api_pb2.Friend(user=api_pb2.User(id=5, username="a"), state=2)], cursor="next"
    )
    friends = ApiFriendList.from_protobuf(wire)
    assert friends["friends"] is friends.friends is friends.get("friends")
    assert friends.cursor == friends["cursor"] == "next"
    assert friends["friends"][0]["user"]["username"] == friends.friends[0].user.username == "a"
    assert (friends.friends[0].state, friends.friends[0].get("nothing", 7)) == (2, 7)
    assert "friends" in friends
    with pytest.raises(KeyError):
        friends["nothing"]
    assert ApiFriendList.from_protobuf(api_pb2.FriendList()) == ApiFriendList()


class TestFromProtobuf:
    def test_zeros_are_left_out_as_on_the_wire(self) -> None:
        wire = api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=5, clan_name="c")])
        [clan] = mezon.models.ApiClanDescList.from_protobuf(wire).clandesc
        assert (clan.clan_id, clan.clan_name) == (5, "c")
        top = mezon.models.ApiClanDesc.from_protobuf(wire.clandesc[0])
        assert (top.clan_id, top.logo, top.is_onboarding) == (5, None, None)
        assert top.model_fields_set == {"clan_id", "clan_name"}

    def test_channel_type_is_always_there(self) -> None:
        assert ApiChannelDescription.from_protobuf(api_pb2.ChannelDescription()).type == 0

    def test_role_answer_keeps_its_clan(self) -> None:
        wire = api_pb2.RoleListEventResponse(clanId=5, limit=-3, state=1)
        answer = mezon.models.ApiRoleListEventResponse.from_protobuf(wire)
        assert (answer.clan_id, answer.limit, answer.state, answer.roles) == (5, -3, 1, None)

    def test_voice_users_lose_nothing(self) -> None:
        user = api_pb2.VoiceChannelUser(
            user_ids=["1", "2"], channel_id=3, room_name="r", share_screen_ids=["2"]
        )
        wire = api_pb2.VoiceChannelUserList(voice_channel_users=[user])
        [users] = mezon.models.ApiVoiceChannelUserList.from_protobuf(wire).voice_channel_users or []
        assert (users.user_ids, users.channel_id, users.room_name) == (["1", "2"], 3, "r")
        assert users.share_screen_ids == ["2"]

    def test_own_class(self) -> None:
        class Mine(BaseModel):
            clan_id: int
            clan_name: str
            extra: str = "default"

        made = mezon.models.protobuf_to_pydantic(api_pb2.ClanDesc(clan_id=5), Mine)
        assert made == Mine(clan_id=5, clan_name="")

    def test_own_class_with_a_field_the_message_lacks(self) -> None:
        class Mine(BaseModel):
            colour: str

        with pytest.raises(TypeError, match=r"Mine\.colour is required"):
            mezon.models.protobuf_to_pydantic(api_pb2.ClanDesc(), Mine)


@given(st.builds(ApiMessageAttachment))
def test_models_can_be_generated_and_survive_json(attachment: ApiMessageAttachment) -> None:
    assert ApiMessageAttachment.model_validate_json(attachment.model_dump_json()) == attachment

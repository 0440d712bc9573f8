// The sidebar, the tabs, the messages and the composer.
import { html, Component, createRef } from "./html.js";
import { Message } from "./message.js";
import * as store from "./store.js";

export function Sidebar({ state, act, go }) {
  const { user, channel } = store.tab();
  const dot = (id) => (state.unread.has(id) ? html`<span class="dot" role="img" aria-label="new"></span>` : "");
  const openDm = async (one) => go(one.id, await act("dm", { user: one.id }));
  return html`<nav class="side" aria-label="Channels and users">
    ${state.world.clans.map((clan) => html`<section key=${clan.id}>
      <h2>${clan.name}</h2>
      <ul>${clan.channels.map((one) => html`<li key=${one.id}><button type="button" class=${one.thread ? "thread" : ""}
        aria-current=${one.id === channel ? "true" : undefined} onClick=${() => go(user, one.id)}># ${one.label}${dot(one.id)}</button></li>`)}</ul>
    </section>`)}
    <section>
      <h2>Direct messages to the bot</h2>
      <ul>${state.world.users.map((one) => {
        const dm = state.world.dms.find((room) => room.members.length === 1 && room.members[0] === one.id);
        return html`<li key=${one.id}><button type="button" aria-current=${dm && dm.id === channel ? "true" : undefined}
          onClick=${() => openDm(one)}>@ ${one.username}${dm ? dot(dm.id) : ""}</button></li>`;
      })}</ul>
    </section>
    <section>
      <h2>Speak as</h2>
      <ul>${state.world.users.map((one) => html`<li key=${one.id}><button type="button" class="person"
        aria-current=${one.id === user ? "true" : undefined} onClick=${() => go(one.id, roomFor(channel))}>
        <span class="avatar small" aria-hidden="true">${one.name.slice(0, 1)}</span>${one.name}${one.roles.length > 0 && html` <small>${one.roles.join(", ")}</small>`}</button></li>`)}</ul>
      <${Adder} label=${`Role of ${store.user(user)?.username ?? "?"}`} act=${(title) => act("toggle_role", { user, title })} />
      <${Adder} label="New user" act=${(name) => act("add_user", { username: name })} />
      <${Adder} label="New channel" act=${(name) => act("add_channel", { label: name })} />
    </section>
  </nav>`;
}

// A user can write only in their own direct conversations.
function roomFor(channel) {
  return store.channel(channel)?.dm ? store.state.world.clans[0]?.channels[0]?.id : channel;
}

class Adder extends Component {
  render({ label, act }) {
    const add = async (event) => {
      event.preventDefault();
      const field = event.target.elements.name;
      if (field.value.trim() && (await act(field.value.trim())) !== undefined) field.value = "";
    };
    return html`<form class="adder" onSubmit=${add}>
      <input name="name" placeholder=${label} aria-label=${label} maxlength="64" autocomplete="off" />
      <button type="submit" aria-label=${`Add: ${label}`}>+</button></form>`;
  }
}

export function Tabs({ state, go, close }) {
  return html`<nav class="tabs" aria-label="Who speaks where">${state.tabs.map((one, at) => {
    const where = store.channel(one.channel);
    const name = `${store.user(one.user)?.username ?? "?"} ${where?.dm ? "(direct)" : `#${where?.label ?? "?"}`}`;
    return html`<span key=${one.user + one.channel} class=${at === state.active ? "tab active" : "tab"}>
      <button type="button" aria-current=${at === state.active ? "true" : undefined} onClick=${() => go(one.user, one.channel)}>${name}${state.unread.has(one.user + one.channel) ? html`<span class="dot" role="img" aria-label="new"></span>` : ""}</button>
      ${state.tabs.length > 1 && html`<button type="button" class="close" aria-label=${`Close ${name}`} onClick=${() => close(at)}>✕</button>`}
    </span>`;
  })}</nav>`;
}

export class Messages extends Component {
  list = createRef();
  follow = true;

  getSnapshotBeforeUpdate() {
    const node = this.list.current;
    this.follow = !node || node.scrollHeight - node.scrollTop - node.clientHeight < 80;
    return null;
  }
  componentDidUpdate(before) {
    const node = this.list.current;
    if (node && (this.follow || before.channel !== this.props.channel)) node.scrollTop = node.scrollHeight;
  }
  render({ state, user, channel, act, change }) {
    const messages = state.messages.get(channel) ?? [];
    return html`<div class="messages" ref=${this.list} tabindex="0" role="region" aria-label="Messages">
      ${messages.length === 0 && html`<p class="hint empty">Nothing was said here yet. ${state.connected
        ? "Write something: the bot hears it." : "The bot is not connected yet."}</p>`}
      <ol aria-live="polite">${messages.map((one) => html`
        <${Message} key=${one.id} message=${one} me=${user} act=${act} change=${change} />`)}</ol>
      ${state.typing && state.typing.channel === channel && html`<p class="hint">${state.typing.name} is typing…</p>`}
    </div>`;
  }
}

const said = [];

export class Composer extends Component {
  field = createRef();
  state = { files: [], at: -1 };

  componentDidUpdate(before) {
    const { editing, replyTo } = this.props.state;
    if (editing && editing !== before.editing) {
      this.field.current.value = store.find(editing)?.content?.t ?? "";
      this.field.current.focus();
    } else if (replyTo && replyTo !== before.replyTo) this.field.current.focus();
  }

  keys = (event) => {
    const field = event.target;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && said.length && (field.value === "" || this.state.at >= 0)) {
      event.preventDefault();
      const at = this.state.at < 0 ? said.length - 1 : Math.max(0, this.state.at - 1);
      field.value = said[at];
      this.setState({ at });
    } else if (event.key === "ArrowDown" && this.state.at >= 0) {
      event.preventDefault();
      const at = this.state.at + 1;
      field.value = said[at] ?? "";
      this.setState({ at: at < said.length ? at : -1 });
    } else if (event.key === "Escape") {
      this.props.change({ replyTo: null, editing: null });
      field.value = "";
    } else if (this.state.at >= 0) this.setState({ at: -1 });
  };

  send = async () => {
    const { act, change, state } = this.props;
    // Read the current user and channel: the rendered state can be one frame older than the last click.
    const { user, channel } = store.tab();
    const field = this.field.current;
    const text = field.value.trim();
    const { files } = this.state;
    if (!text && !files.length) return;
    field.value = "";
    this.setState({ at: -1, files: [] });
    const done = state.editing
      ? await act("edit", { message: state.editing, text })
      : await act("say", { channel, user, text, files, reply_to: state.replyTo ?? 0 });
    if (done === undefined) {
      if (!field.value) field.value = text;
      return;
    }
    if (text && said.at(-1) !== text) said.push(text);
    change({ replyTo: null, editing: null });
  };

  attach = async (event) => {
    const files = [];
    for (const file of event.target.files) {
      const url = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsDataURL(file);
      });
      files.push({ name: file.name, type: file.type, data: String(url).split(",", 2)[1] ?? "" });
    }
    event.target.value = "";
    this.setState({ files: [...this.state.files, ...files] });
  };

  render({ state, user, channel, change }, { files }) {
    const who = store.user(user)?.name ?? "nobody";
    const where = store.channel(channel);
    const about = store.find(state.editing ?? state.replyTo);
    const place = where?.dm ? "to the bot directly" : `in #${where?.label ?? ""}`;
    return html`<div class="composer">
      ${about && html`<p class="about">${state.editing ? "Editing" : "Replying to"} <b>${about.name}</b>: ${String(about.content?.t ?? "").slice(0, 60)}
        <button type="button" aria-label="Never mind" onClick=${() => change({ replyTo: null, editing: null })}>✕</button></p>`}
      ${files.map((file) => html`<p class="about" key=${file.name}>📎 ${file.name}</p>`)}
      <div class="line">
        <textarea id="say" rows="1" ref=${this.field} onKeyDown=${this.keys} aria-label=${`Say as ${who} ${place}`}
          placeholder=${`${who} ${place}`}></textarea>
        <label class="attach" title="Attach a file"><span aria-hidden="true">📎</span><span class="hidden">Attach a file</span>
          <input type="file" multiple onChange=${this.attach} /></label>
        <button type="button" class="button primary" onClick=${this.send}>Send</button>
      </div>
    </div>`;
  }
}

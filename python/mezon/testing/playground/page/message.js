// One message: sender, time, content, reactions and actions.
import { html, Component } from "./html.js";
import { Text, CHOICES, emoji, isWeb, link } from "./text.js";
import { Form } from "./form.js";
import { fileUrl } from "./socket.js";
import * as store from "./store.js";

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const initials = (name) => (name || "?").slice(0, 2).toUpperCase();

// An image that cannot be loaded is replaced by its URL.
export class Picture extends Component {
  render({ url, alt, kind }, { broken }) {
    if (broken || !isWeb(url)) {
      return kind === "tiny" ? "" : html`<p class="hint">picture: ${link(url)}</p>`;
    }
    return html`<img class="picture ${kind}" src=${fileUrl(url, store.state.gateway)} alt=${alt}
      onError=${() => this.setState({ broken: true })} />`;
  }
}
const picture = (url, alt, kind) => html`<${Picture} url=${url} alt=${alt} kind=${kind} />`;

function Files({ files }) {
  return html`<ul class="files">${files.map((file, at) => {
    const name = file.filename || "file";
    const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(file.filetype ?? "");
    return html`<li key=${at}>${isPicture
      ? picture(file.url, name, "large")
      : isWeb(file.url)
        ? html`<a class="file" href=${fileUrl(file.url, store.state.gateway)} download=${name}>📎 ${name}${file.size ? html` <small>${file.size} bytes</small>` : ""}</a>`
        : html`<span class="hint">📎 ${name} (no address on the web: ${String(file.url)})</span>`}
    </li>`;
  })}</ul>`;
}

// A message that cannot be rendered is shown as JSON; the others are not affected.
export class Message extends Component {
  static getDerivedStateFromProps({ message }, { failed }) {
    return failed && failed !== message ? { failed: null } : null;
  }
  componentDidCatch(error) {
    console.warn("a message cannot be drawn", error);
    this.setState({ failed: this.props.message });
  }
  render(props, { failed }) {
    return failed ? html`<${Broken} message=${failed} />` : html`<${Drawn} ...${props} />`;
  }
}

function Broken({ message }) {
  return html`<li class="message broken" id=${`m${message.id}`}>
    <p class="hint">${String(message.name || message.username)}: this message cannot be drawn; apps may not draw it either</p>
    <pre tabindex="0" aria-label="the message as JSON">${JSON.stringify(message.content, null, 2)}</pre>
  </li>`;
}

class Drawn extends Component {
  render({ message, me, act, change }, { picking, choosing }) {
    const mine = message.sender === me;
    const name = message.name || message.username;
    if (message.removed) {
      return html`<li class="message gone" id=${`m${message.id}`}><p class="hint">${name} said something that was deleted</p></li>`;
    }
    if (message.only.length && !message.only.includes(me)) {
      const who = message.only.map((id) => store.user(id)?.username ?? id).join(", ");
      return html`<li class="message gone" id=${`m${message.id}`}><p class="hint">a message that only ${who} can see</p></li>`;
    }
    const asked = (message.content.embed ?? []).length || (message.content.components ?? []).length;
    const menus = store.state.world.menus.filter((one) => one.channel === "0" || one.channel === message.channel);
    const choose = (menu) => {
      act("choose_menu", { message: message.id, user: me, menu });
      this.setState({ choosing: false });
    };
    const react = (one) => {
      const reaction = message.reactions.find((known) => known.emoji === one);
      act("react", { message: message.id, user: me, emoji: one, remove: !!reaction?.users.includes(me) });
      this.setState({ picking: false });
    };
    return html`<li class=${`message ${message.bot ? "of-bot" : ""} ${message.only.length ? "whisper" : ""}`} id=${`m${message.id}`}>
      <span class="avatar" aria-hidden="true">${initials(name)}</span>
      <div class="body">
        ${message.reply && html`<p class="reply">↪ <b>${message.reply.name}</b> ${message.reply.text}</p>`}
        <p class="head"><b>${name}</b>${message.bot && html`<span class="badge">BOT</span>`}
          <time>${clock(message.time)}</time>
          ${message.edited && html`<span class="hint">(edited)</span>`}
          ${message.only.length ? html`<span class="hint">only you can see this</span>` : ""}</p>
        ${message.content.t && html`<${Text} content=${message.content} mentions=${message.mentions} />`}
        ${asked ? html`<${Form} content=${message.content} message=${message} picture=${picture}
          client=${store.state.client} profile=${store.profile()}
          act=${(what, details) => act(what, { ...details, user: me, client: store.state.client })} />` : ""}
        ${message.attachments.length ? html`<${Files} files=${message.attachments} />` : ""}
        ${message.reactions.length ? html`<div class="reactions">${message.reactions.map((one) => html`
          <button type="button" key=${one.emoji} class=${one.users.includes(me) ? "reaction mine" : "reaction"}
            aria-pressed=${one.users.includes(me) ? "true" : "false"}
            title=${one.users.map((id) => store.anybody(id)?.name ?? id).join(", ")}
            aria-label=${`${one.emoji}, ${one.users.length}`} onClick=${() => react(one.emoji)}
          >${emoji(one.emoji)} ${one.users.length}</button>`)}</div>` : ""}
        ${picking && html`<div class="picker" role="group" aria-label="Reactions">${CHOICES.map((one) => html`
          <button type="button" key=${one} aria-label=${one} onClick=${() => react(one)}>${emoji(one)}</button>`)}</div>`}
        ${choosing && html`<div class="picker" role="group" aria-label="Quick menus">${menus.map((one) => html`
          <button type="button" key=${one.name} onClick=${() => choose(one.name)}>${one.name}</button>`)}</div>`}
      </div>
      <div class="tools" role="group" aria-label=${`What to do with this message of ${name}`}>
        <button type="button" title="React" aria-label="React" onClick=${() => this.setState({ picking: !picking })}>☺</button>
        <button type="button" title="Reply" aria-label="Reply" onClick=${() => change({ replyTo: message.id, editing: null })}>↩</button>
        ${menus.length ? html`<button type="button" title="Quick menu" aria-label="Quick menu" aria-expanded=${choosing ? "true" : "false"}
          onClick=${() => this.setState({ choosing: !choosing })}>≡</button>` : ""}
        ${mine && html`<button type="button" title="Edit" aria-label="Edit" onClick=${() => change({ editing: message.id, replyTo: null })}>✎</button>`}
        <button type="button" title="Delete" aria-label="Delete" onClick=${() => act("delete", { message: message.id })}>✕</button>
      </div>
    </li>`;
  }
}

// The text of a message with its markup. Offsets count UTF-16 units, like JavaScript strings.
import { html } from "./html.js";

const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g;

function marks(content, mentions) {
  const found = [];
  const add = (list, kind, extra = () => ({})) => {
    for (const one of list ?? []) {
      const s = Number(one.s ?? 0), e = Number(one.e ?? 0);
      if (e > s) found.push({ s, e, kind, ...extra(one) });
    }
  };
  add(content.mk, "mark", (one) => ({ type: one.type }));
  add(mentions, "mention");
  add(content.hg, "hashtag");
  add(content.ej, "emoji");
  add(content.lk, "link");
  add(content.vk, "link");
  const text = String(content.t ?? "");
  for (const match of text.matchAll(LINK)) {
    const s = match.index, e = s + match[0].length;
    if (!found.some((one) => one.s < e && s < one.e)) found.push({ s, e, kind: "link" });
  }
  return found.sort((a, b) => a.s - b.s || b.e - a.e);
}

// A link to the web. Any other URL, such as javascript:, is shown as text.
export const isWeb = (url) => /^https?:\/\//i.test(String(url ?? "").trim());
export const link = (url, label = url, kind = "") => (isWeb(url)
  ? html`<a class=${kind || undefined} href=${String(url).trim()} target="_blank" rel="noreferrer noopener">${label}</a>` : label);

function marked(part, text) {
  switch (part.kind) {
    case "mention": return html`<span class="mention">${text}</span>`;
    case "hashtag": return html`<span class="mention">${text}</span>`;
    case "emoji": return html`<span class="emoji">${emoji(text)}</span>`;
    case "link": return link(text);
  }
  switch (part.type) {
    case "b": return html`<strong>${text.replace(/^\*\*([\s\S]*)\*\*$/, "$1")}</strong>`;
    case "c": case "s": return html`<code>${text.replace(/^`([\s\S]*)`$/, "$1")}</code>`;
    case "pre": case "t":
      return html`<pre tabindex="0" aria-label="code">${text.replace(/^```\w*\n?([\s\S]*?)\n?```$/, "$1")}</pre>`;
    case "lk": case "vk": case "lk_yt": return link(text);
    default: return text;
  }
}

export function Text({ content, mentions }) {
  const text = String(content.t ?? "");
  const parts = [];
  let at = 0;
  for (const part of marks(content, mentions)) {
    if (part.s < at || part.e > text.length) continue;
    parts.push(text.slice(at, part.s), marked(part, text.slice(part.s, part.e)));
    at = part.e;
  }
  parts.push(text.slice(at));
  return html`<div class="text">${parts}</div>`;
}

const EMOJI = {
  ":thumbsup:": "👍", ":thumbsdown:": "👎", ":heart:": "❤️", ":tada:": "🎉", ":joy:": "😂", ":eyes:": "👀",
  ":white_check_mark:": "✅", ":x:": "❌", ":smile:": "😄", ":fire:": "🔥", ":rocket:": "🚀", ":pray:": "🙏",
};
export const CHOICES = [":thumbsup:", ":heart:", ":tada:", ":joy:", ":eyes:", ":fire:"];
export const emoji = (name) => EMOJI[name] ?? name;

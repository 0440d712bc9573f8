// The connection to the playground: receives events, and sends requests, which are answered by number.
const token = new URLSearchParams(location.search).get("token") ?? "";

export const fileUrl = (url, gateway) =>
  gateway && url.startsWith(gateway) ? `/file?token=${encodeURIComponent(token)}&url=${encodeURIComponent(url)}` : url;

export class Connection {
  #socket = null;
  #waiting = new Map();
  #number = 0;
  #delay = 250;

  constructor(onEvent, onStatus) {
    this.onEvent = onEvent;
    this.onStatus = onStatus;
    this.open();
  }

  open() {
    const socket = new WebSocket(`ws://${location.host}/socket?token=${encodeURIComponent(token)}`);
    this.#socket = socket;
    socket.onopen = () => { this.#delay = 250; this.onStatus("open"); };
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.event !== "result") return this.onEvent(event);
      const answer = this.#waiting.get(event.id);
      this.#waiting.delete(event.id);
      if (event.error !== undefined) answer?.reject(new Error(event.error));
      else answer?.resolve(event.result);
    };
    socket.onclose = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the playground is gone"));
      this.#waiting.clear();
      this.onStatus("lost");
      setTimeout(() => this.open(), this.#delay);
      this.#delay = Math.min(this.#delay * 2, 5000);
    };
  }

  ask(what, arguments_ = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new Error("the playground is gone"));
      const id = ++this.#number;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, do: what, with: arguments_ }));
    });
  }
}

// preact and htm combined: html`<p>...</p>` needs no build step.
import { h, render, Component, createRef, Fragment } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export const html = htm.bind(h);
export { render, Component, createRef, Fragment };

// The frame: the caller, the place, and the views. Places are in the fragment, so any server path works.

import "./list.js";
import "./object.js";
import "./webhooks.js";
import {
  becomeOwner, bus, finishSignIn, follow, isSignedIn, owner, settings, signIn, signOut, useKey,
} from "./api.js";
import { button, field, h, primary, put, state, tell, wordsFor } from "./dom.js";
import { choose, takeDrops, takeUp } from "./uploads.js";

const top = document.querySelector("#top");
const main = document.querySelector("#main");
const PLACES = [["#/", "Objects"], ["#/webhooks", "Webhooks"], ["#/usage", "Usage"]];

const offline = h("p", { id: "offline", role: "status", hidden: true }, "There is no connection to the service. Trying again …");
const link = ([place, name]) => h("a", { href: place }, name);
const nav = h("nav", { "aria-label": "Console" }, PLACES.map(link));

function ownerSwitch() {
  const input = h("input", { name: "owner", value: owner(), placeholder: "me", size: 9, pattern: "[A-Za-z0-9_\\-]{1,58}",
    autocomplete: "off", spellcheck: "false", title: "Letters, digits, - and _. Only here on this machine: X-Owner." });
  const leave = (event) => {
    event.preventDefault();
    if (input.value !== owner() && input.reportValidity()) becomeOwner(input.value);
  };
  return h("form", { class: "owner", onsubmit: leave, onchange: leave }, h("label", {}, h("span", {}, "Owner"), input));
}

function drawTop() {
  put(top,
    h("a", { href: "#/", class: "brand" }, h("img", { src: document.querySelector("link[rel=icon]").href, alt: "", width: 26, height: 26 }), "Wharf"),
    isSignedIn() && nav,
    h("a", { href: `${settings.root}/docs`, class: "docs" }, "API"),
    settings.auth === "local" && ownerSwitch(),
    settings.auth !== "local" && isSignedIn() && button("Sign out", signOut, { look: "small" }),
    offline,
  );
}

function signInView(fault) {
  if (settings.auth === "iam") {
    return state("This stack asks for signed requests",
      "Its callers sign each request with AWS credentials (IAM), which a page should never hold. Use the API, the SDKs or the command line.",
      h("p", {}, h("a", { href: `${settings.root}/docs` }, "Documentation of the API")));
  }
  if (settings.auth === "cognito") {
    const go = primary("Sign in", signIn);
    if (settings.signIn) return state("Sign in", fault ? wordsFor(fault) : "Your organisation's sign-in opens, and leads back here.", go);
    return state("The sign-in is not set up",
      "This stack uses a user pool of its own making elsewhere. Set the parameters SignInUrl and SignInClientId.");
  }
  const key = h("input", { type: "password", required: true, autocomplete: "off", maxlength: 128 });
  const enter = (event) => {
    event.preventDefault();
    useKey(key.value.trim());
  };
  return state("Sign in with an API key", fault ? "This key is not known here." : "It is kept in this tab only, until you close it.",
    h("form", { class: "stack", onsubmit: enter }, field("API key", key), h("button", { class: "primary" }, "Sign in")));
}

function viewAt(hash) {
  const [place, query] = hash.replace(/^#\/?/, "").split("?");
  const [noun, id] = place.split("/").map(decodeURIComponent);
  if (noun === "" || (noun === "objects" && !id)) return ["Objects", "wharf-list", { query }];
  if (noun === "objects") return ["Object", "wharf-object", { object: id }];
  if (noun === "webhooks" && id) return ["Webhook", "wharf-webhook", { webhook: id }];
  if (noun === "webhooks") return ["Webhooks", "wharf-webhooks", {}];
  if (noun === "usage") return ["Usage", "wharf-usage", {}];
  return ["Nothing here", "wharf-nothing", {}];
}

let shown;
function show() {
  document.querySelectorAll("dialog").forEach((one) => one.close());
  const [title, name, given] = viewAt(location.hash);
  const before = shown;
  shown = `${name} ${given.object ?? given.webhook ?? ""}`;
  document.title = `${title} · Wharf`;
  for (const one of nav.children) {
    const [root] = one.getAttribute("href").split("?");
    const isHere = root === "#/" ? name === "wharf-list" || name === "wharf-object" : location.hash.startsWith(root);
    if (isHere) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  main.replaceChildren(h(name, Object.fromEntries(Object.entries(given).map(([key, value]) => [`data-${key}`, value]))));
  if (before !== undefined && before !== shown) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

customElements.define("wharf-nothing", class extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(state("Nothing here", "This address leads nowhere.", h("a", { href: "#/" }, "To your objects")));
  }
});

async function begin() {
  drawTop();
  if (!isSignedIn()) return main.replaceChildren(signInView());
  try {
    await follow();
  } catch (fault) {
    if (fault.name === "AbortError") return undefined;
    if (fault.status === 401 || fault.status === 403) {
      if (settings.auth !== "local") return main.replaceChildren(signInView(fault));
    }
    const again = primary("Try again", begin);
    return main.replaceChildren(state("The service does not answer", wordsFor(fault), again));
  }
  show();
  return takeUp();
}

bus.addEventListener("caller", () => {
  shown = undefined;
  begin();
});
bus.addEventListener("connection", ({ detail }) => (offline.hidden = detail));
addEventListener("hashchange", () => isSignedIn() && show());
addEventListener("online", () => document.querySelector("#main .state button")?.click());
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "u" && isSignedIn()) choose();
  if (event.key === "/") {
    const filter = document.querySelector("wharf-list select");
    if (filter) (event.preventDefault(), filter.focus());
  }
});

document.body.append(h("wharf-uploads", { role: "region", "aria-label": "Uploads" }));
takeDrops();
finishSignIn().catch((fault) => tell(wordsFor(fault), "bad")).finally(begin);

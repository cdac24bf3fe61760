"use strict";
// The one script of the console: it asks the browser for a passkey. Without it the forms stay hidden.
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const status = form.querySelector("[role=status]"), button = form.querySelector("button");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const post = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail || "The desk answered " + answer.status + ".");
    return said;
  };
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const asked = async (options) => {
    const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: ids(options.allowCredentials) };
    const it = await navigator.credentials.get({ publicKey });
    const answer = it.response;
    return {
      id: it.id, rawId: text(it.rawId), type: it.type, extensions: {},
      response: { authenticatorData: text(answer.authenticatorData), clientDataJSON: text(answer.clientDataJSON),
        signature: text(answer.signature), userHandle: answer.userHandle ? text(answer.userHandle) : null },
    };
  };
  const ways = {
    async enter() {
      const name = form.elements.name.value.trim();
      const begun = await post("/enter/begin", { name });
      const said = await post("/enter/finish", { name, id: begun.id, answer: await asked(begun.publicKey) });
      location.assign(said.next);
    },
    async enrol() {
      const begun = await post(form.dataset.at + "/begin", {});
      const options = begun.publicKey;
      const publicKey = { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: ids(options.excludeCredentials) };
      const it = await navigator.credentials.create({ publicKey });
      const answer = { id: it.id, rawId: text(it.rawId), type: it.type, extensions: {},
        response: { attestationObject: text(it.response.attestationObject), clientDataJSON: text(it.response.clientDataJSON) } };
      const said = await post(form.dataset.at + "/finish", { id: begun.id, answer });
      document.querySelectorAll("[data-key]").forEach((place) => { place.textContent = said.key; });
      document.querySelector("[data-done]").hidden = false;
      form.hidden = true;
    },
    async sign() {
      const options = JSON.parse(form.dataset.options);
      const { id, response } = await asked(options);
      await post(form.dataset.at, { passkey: options.keys[id], authenticatorData: response.authenticatorData,
        clientDataJSON: response.clientDataJSON, signature: response.signature });
      location.reload();
    },
  };
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = "Your browser asks for the passkey.";
    try {
      await ways[form.dataset.passkey]();
      status.textContent = "";
    } catch (error) {
      status.textContent = error.name === "NotAllowedError" ? "No passkey was used: it was cancelled, or there is none here for this." : error.message;
    }
    button.disabled = false;
  });
})();

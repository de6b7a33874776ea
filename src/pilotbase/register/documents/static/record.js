// record: the proofs of the record, as an auditor would do them by hand: salted commitments, the
// Merkle tree of RFC 9162, and the signed note of the checkpoint (c2sp.org/signed-note).
const record = (() => {
  "use strict";

  const { utf8, hex, fromHex, fromBase64, concat, equal, sha256 } = hashing;
  const DOMAIN = utf8("pilotbase/commitment/v1\n");
  const ED25519 = 1;

  /** "sha256:<hex>" of SHA-256(domain || salt || SHA-256(body)); null for a malformed salt. */
  function commitment(saltHex, bodyText) {
    const salt = fromHex(saltHex);
    if (!salt || salt.length !== 32) return null;
    return "sha256:" + hex(sha256(concat(DOMAIN, salt, sha256(utf8(bodyText)))));
  }

  const leafHash = (text) => sha256(concat(Uint8Array.of(0), utf8(text)));
  const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

  /** Whether the proof leads from leaf `index` to the root of `size` leaves (RFC 9162, 2.1.3.2). */
  function included(leaf, index, size, proof, root) {
    const whole = Number.isSafeInteger(index) && Number.isSafeInteger(size);
    if (!whole || index < 0 || index >= size) return false;
    let [node, last, reached] = [BigInt(index), BigInt(size) - 1n, leaf];
    for (const sibling of proof) {
      if (!sibling || sibling.length !== 32 || last === 0n) return false;
      if (node & 1n || node === last) {
        reached = nodeHash(sibling, reached);
        while (!(node & 1n) && node) [node, last] = [node >> 1n, last >> 1n];
      } else {
        reached = nodeHash(reached, sibling);
      }
      [node, last] = [node >> 1n, last >> 1n];
    }
    return last === 0n && equal(reached, root);
  }

  /** {name, id, key} of a verifier key `name+id+base64(0x01 || key)`; null when malformed. */
  function verifierKey(text) {
    const [name, id, ...rest] = String(text).split("+");
    const bytes = fromBase64(rest.join("+"));
    if (!name || /\s/.test(name) || !bytes || bytes[0] !== ED25519 || bytes.length !== 33) {
      return null;
    }
    const expected = hex(sha256(concat(utf8(name + "\n"), bytes)).subarray(0, 4));
    return expected === id ? { name, id, key: bytes.subarray(1) } : null;
  }

  /** {text, signatures: [{name, id, value}]} of a signed note; null when it is none. */
  function parseNote(note) {
    const cut = String(note).lastIndexOf("\n\n");
    if (cut < 0 || !note.endsWith("\n")) return null;
    const signatures = note.slice(cut + 2, -1).split("\n").map((line) => {
      const parts = /^— (\S+) (\S+)$/.exec(line);
      const bytes = parts && fromBase64(parts[2]);
      if (!bytes || bytes.length < 5) return null;
      return { name: parts[1], id: hex(bytes.subarray(0, 4)), value: bytes.subarray(4) };
    });
    return signatures.includes(null) ? null : { text: note.slice(0, cut + 1), signatures };
  }

  /** {holds, with, text}: whether the key of `vkey` has signed the note. */
  async function verifyNote(note, vkey) {
    const parsed = parseNote(note);
    const key = verifierKey(vkey);
    const by = parsed?.signatures.find((s) => s.name === key?.name && s.id === key?.id);
    if (!by) return { holds: false, with: "-", text: parsed?.text ?? "" };
    const result = await ed25519.verify(key.key, utf8(parsed.text), by.value);
    return { ...result, text: parsed.text };
  }

  /** The log's keys, {start, vkey}, each with the smallest tree whose notes it signs, from the log's
   *  rotation entries in order; null when one does not hold or they do not end at `vkey`. */
  async function keyChain(vkey, rotations) {
    const keys = [];
    for (const { index, text } of rotations) {
      const { kind, body } = JSON.parse(text);
      const [old, next] = [verifierKey(body.old), verifierKey(body.new)];
      const follows = body.old === (keys.at(-1)?.vkey ?? body.old) && body.old !== body.new;
      const named = kind === "record.key_rotated/1" && old && old.name === next?.name;
      if (!named || !follows) return null;
      const said = `pilotbase/key-rotation/1\nlog ${old.name}\nold ${body.old}\nnew ${body.new}\n`;
      for (const key of [body.old, body.new]) {
        const signed = await verifyNote(body.statement, key);
        if (!signed.holds || signed.text !== said) return null;
      }
      if (keys.length === 0) keys.push({ start: 0, vkey: body.old });
      keys.push({ start: index + 1, vkey: body.new });
    }
    if (keys.length === 0) return [{ start: 0, vkey }];
    return keys.at(-1).vkey === vkey ? keys : null;
  }

  /** The key that signs when the log has `size` entries; none of a chain that does not hold. */
  const keyAt = (chain, size) => chain?.filter((key) => key.start <= size).at(-1)?.vkey ?? "";

  /** {origin, size, root} of a checkpoint's text; null when it is none. */
  function parseCheckpoint(text) {
    const [origin, size, root] = String(text).split("\n");
    const bytes = fromBase64(root ?? "");
    if (!origin || !/^(0|[1-9][0-9]*)$/.test(size ?? "") || bytes?.length !== 32) return null;
    return { origin, size: Number(size), root: hex(bytes) };
  }

  /** RFC 8785 text of parsed JSON: keys in order of UTF-16 units, numbers as JavaScript prints. */
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    const member = (key) => `${JSON.stringify(key)}:${canonical(value[key])}`;
    return `{${Object.keys(value).sort().map(member).join(",")}}`;
  }

  return {
    commitment, leafHash, included, verifierKey, verifyNote, keyChain, keyAt, parseCheckpoint,
    canonical,
  };
})();

// hashing: bytes, text, hex and base64; SHA-256 and SHA-512 (FIPS 180-4), written out so that this
// file checks itself in any browser, also where crypto.subtle is missing.
const hashing = (() => {
  "use strict";

  const utf8 = (text) => new TextEncoder().encode(text);
  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

  /** Bytes of a hex string; null when it is none. */
  function fromHex(text) {
    if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) return null;
    return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
      parseInt(text.slice(2 * i, 2 * i + 2), 16));
  }

  /** Bytes of standard base64 in its one canonical spelling; null when it is not that. */
  function fromBase64(text) {
    try {
      const raw = atob(text);
      return btoa(raw) === text ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
    } catch {
      return null;
    }
  }

  function concat(...parts) {
    const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

  // The constants are the first bits of the fractional parts of square and cube roots of primes.
  // They are computed with integers instead of copied: fewer digits in which an error could hide.
  const primes = [];
  for (let n = 2; primes.length < 80; n += 1) if (primes.every((p) => n % p)) primes.push(n);

  /** floor(value^(1/degree)) of a BigInt, by Newton's method from above. */
  function integerRoot(value, degree) {
    let x = 1n << (BigInt(value.toString(2).length) / degree + 1n);
    for (;;) {
      const next = ((degree - 1n) * x + value / x ** (degree - 1n)) / degree;
      if (next >= x) return x;
      x = next;
    }
  }
  const fraction64 = (p, degree) =>
    integerRoot(BigInt(p) << (64n * degree), degree) & 0xffffffffffffffffn;
  const H512 = primes.slice(0, 8).map((p) => fraction64(p, 2n));
  const K512 = primes.map((p) => fraction64(p, 3n));
  const high = (word) => Number(word >> 32n);
  const H256 = Int32Array.from(H512, high);
  const K256 = Int32Array.from(K512.slice(0, 64), high);

  /** The message with 0x80, zeros and its length in bits, in whole blocks. */
  function padded(bytes, block) {
    const lengthField = block / 8;
    const size = Math.ceil((bytes.length + 1 + lengthField) / block) * block;
    const all = new Uint8Array(size);
    all.set(bytes);
    all[bytes.length] = 0x80;
    new DataView(all.buffer).setBigUint64(size - 8, BigInt(bytes.length) * 8n);
    return all;
  }

  /** SHA-256 of bytes, as 32 bytes. */
  function sha256(bytes) {
    const data = padded(bytes, 64);
    const view = new DataView(data.buffer);
    const h = H256.slice();
    const w = new Int32Array(64);
    for (let block = 0; block < data.length; block += 64) {
      for (let t = 0; t < 16; t += 1) w[t] = view.getInt32(block + 4 * t);
      for (let t = 16; t < 64; t += 1) {
        const x = w[t - 15];
        const y = w[t - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
      }
      rounds256(h, w);
    }
    const out = new DataView(new ArrayBuffer(32));
    h.forEach((word, i) => out.setInt32(4 * i, word));
    return new Uint8Array(out.buffer);
  }

  function rounds256(hash, w) {
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[t] + w[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0;
      d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { hash[i] = (hash[i] + word) | 0; });
  }

  /** SHA-512 of bytes, as 64 bytes. Only short messages pass here, so BigInt is quick enough. */
  function sha512(bytes) {
    const data = padded(bytes, 128);
    const view = new DataView(data.buffer);
    const word = (x) => BigInt.asUintN(64, x);
    const turn = (x, n) => word((x >> n) | (x << (64n - n)));
    const hash = H512.slice();
    for (let block = 0; block < data.length; block += 128) {
      const w = Array.from({ length: 16 }, (_, t) => view.getBigUint64(block + 8 * t));
      for (let t = 16; t < 80; t += 1) {
        const s0 = turn(w[t - 15], 1n) ^ turn(w[t - 15], 8n) ^ (w[t - 15] >> 7n);
        const s1 = turn(w[t - 2], 19n) ^ turn(w[t - 2], 61n) ^ (w[t - 2] >> 6n);
        w.push(word(w[t - 16] + s0 + w[t - 7] + s1));
      }
      let [a, b, c, d, e, f, g, h] = hash;
      for (let t = 0; t < 80; t += 1) {
        const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
        const t1 = h + s1 + ((e & f) ^ (word(~e) & g)) + K512[t] + w[t];
        const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
        const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = word(d + t1);
        d = c; c = b; b = a; a = word(t1 + t2);
      }
      [a, b, c, d, e, f, g, h].forEach((x, i) => { hash[i] = word(hash[i] + x); });
    }
    const out = new DataView(new ArrayBuffer(64));
    hash.forEach((x, i) => out.setBigUint64(8 * i, x));
    return new Uint8Array(out.buffer);
  }

  /** "sha256:<hex>" of a text's UTF-8 bytes, as the record writes a digest. */
  const digest = (text) => "sha256:" + hex(sha256(utf8(text)));

  return { utf8, hex, fromHex, fromBase64, concat, equal, sha256, sha512, digest };
})();

// ed25519: verification of a signature (RFC 8032, section 5.1.7). WebCrypto does it where the browser
// can; otherwise, or when asked, the page does it itself with big integers. Only public values pass
// here, so the arithmetic need not run in constant time.
const ed25519 = (() => {
  "use strict";

  const P = 2n ** 255n - 19n;
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const mod = (a, m = P) => ((a % m) + m) % m;

  function power(base, exponent) {
    let result = 1n;
    for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) {
      if (e & 1n) result = mod(result * b);
    }
    return result;
  }
  const inverse = (a) => power(a, P - 2n);
  const D = mod(-121665n * inverse(121666n));
  const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

  const littleEndian = (bytes) =>
    bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);

  // Points are [X, Y, Z, T] in extended coordinates: x = X/Z, y = Y/Z, x*y = T/Z.
  const NEUTRAL = [0n, 1n, 1n, 0n];

  function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
    const a = mod((y1 - x1) * (y2 - x2));
    const b = mod((y1 + x1) * (y2 + x2));
    const c = mod(2n * D * t1 * t2);
    const d = mod(2n * z1 * z2);
    const [e, f, g, h] = [b - a, d - c, d + c, b + a];
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  }

  function multiply(scalar, point) {
    let result = NEUTRAL;
    for (let p = point, s = scalar; s > 0n; s >>= 1n, p = add(p, p)) {
      if (s & 1n) result = add(result, p);
    }
    return result;
  }

  const same = ([x1, y1, z1], [x2, y2, z2]) =>
    mod(x1 * z2 - x2 * z1) === 0n && mod(y1 * z2 - y2 * z1) === 0n;

  /** The point of its 32-byte encoding (section 5.1.3); null when there is none. */
  function decode(bytes) {
    const encoded = littleEndian(bytes);
    const sign = encoded >> 255n;
    const y = encoded & (2n ** 255n - 1n);
    if (y >= P) return null;
    const u = mod(y * y - 1n);
    const v = mod(D * y * y + 1n);
    let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
    if (mod(v * x * x) !== u) x = mod(x * ROOT_OF_MINUS_ONE);
    if (mod(v * x * x) !== u || (x === 0n && sign === 1n)) return null;
    if ((x & 1n) !== sign) x = P - x;
    return [x, y, 1n, mod(x * y)];
  }

  const BASE = decode(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0x58 : 0x66)));

  /** Whether S*B = R + SHA-512(R || A || message)*A, with S in its one accepted range. */
  function verifyHere(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const a = decode(publicKey);
    const r = decode(signature.subarray(0, 32));
    const s = littleEndian(signature.subarray(32));
    if (!a || !r || s >= L) return false;
    const hashed = hashing.sha512(
      hashing.concat(signature.subarray(0, 32), publicKey, message));
    const k = littleEndian(hashed) % L;
    return same(multiply(s, BASE), add(r, multiply(k, a)));
  }

  /** {holds, with}: the verdict of WebCrypto, or of the code above where that is missing. */
  async function verify(publicKey, message, signature) {
    const subtle = globalThis.crypto?.subtle;
    try {
      const key = await subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
      const holds = await subtle.verify("Ed25519", key, signature, message);
      return { holds, with: "WebCrypto" };
    } catch {
      return { holds: verifyHere(publicKey, message, signature), with: "this page" };
    }
  }

  return { verify, verifyHere };
})();

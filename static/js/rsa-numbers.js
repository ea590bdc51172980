// The numbers of an RSA key: the checks that the service makes of them, in the same order and words, and the one form
// that it stores. As kmscrypto/rsa_validation.py, which names the sources (SEC-031); the service judges again.
// BigInt cannot be overwritten: what is computed here stays in memory until the browser collects it.

const MIN_EXPONENT = 65537n;
const MAX_EXPONENT = 1n << 256n;
const WITNESSES = 8; // of the Miller-Rabin test: enough to catch a mistake, and the service proves the primes itself

export const bitLength = (number) => (number === 0n ? 0 : number.toString(2).length);
const distance = (a, b) => (a > b ? a - b : b - a);
const gcd = (a, b) => {
  while (b) [a, b] = [b, a % b];
  return a;
};
const lcm = (a, b) => (a / gcd(a, b)) * b;

function power(base, exponent, modulus) {
  let result = 1n;
  let square = base % modulus;
  for (const bit of [...exponent.toString(2)].reverse()) {
    if (bit === "1") result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The inverse of a modulo m, or null where there is none. */
function inverse(a, m) {
  let [r0, r1, s0, s1] = [m, a % m, 0n, 1n];
  while (r1) {
    const q = r0 / r1;
    [r0, r1, s0, s1] = [r1, r0 - q * r1, s1, s0 - q * s1];
  }
  return r0 === 1n ? ((s0 % m) + m) % m : null;
}

/** number − 1 as 2^twos · odd. */
function oddPart(number) {
  let [twos, odd] = [0, number - 1n];
  while (!(odd & 1n)) [twos, odd] = [twos + 1, odd >> 1n];
  return { twos, odd };
}

function randomBelow(limit) {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return 2n + (new DataView(bytes.buffer).getBigUint64(0) % (limit - 3n));
}

/** Miller-Rabin: false for a composite number, but for one chance in 4^8 at most. */
function isPrime(number) {
  if (number < 5n || !(number & 1n)) return number === 2n || number === 3n;
  const { twos, odd } = oddPart(number);
  for (let round = 0; round < WITNESSES; round += 1) {
    let x = power(randomBelow(number), odd, number);
    for (let i = 1; i < twos && x !== 1n && x !== number - 1n; i += 1) {
      x = (x * x) % number;
      if (x === 1n) return false;
    }
    if (x !== 1n && x !== number - 1n) return false;
  }
  return true;
}

/** { p, q } from n, e and d (SP 800-56B r2 appendix C), or null where they do not belong together. */
export function recoverPrimes({ n, e, d }) {
  if (n < 15n || e < 3n || d < 3n || d >= n) return null;
  const { twos, odd } = oddPart(e * d);
  for (let base = 2n; base < 100n; base += 1n) {
    let x = power(base, odd, n);
    for (let i = 0; i < twos && x !== 1n; i += 1) {
      const square = (x * x) % n;
      if (square === 1n && x !== n - 1n) {
        const p = gcd(x - 1n, n);
        return { p, q: n / p };
      }
      x = square;
    }
    if (x !== 1n) return null; // e·d − 1 is no multiple of the period
  }
  return null;
}

// The generator 65537 of the Infineon library's primes (CVE-2017-15361): Nemec and others, 2017, section 2.3.
const ROCA_POWERS = Array.from({ length: 165 }, (_, index) => index + 3)
  .filter((number) => [2, 3, 5, 7, 11].every((divisor) => number === divisor || number % divisor))
  .map((prime) => {
    const powers = new Set();
    for (let exponent = 0, value = 1; exponent < prime - 1; exponent += 1, value = (value * 65537) % prime) powers.add(value);
    return [BigInt(prime), powers];
  });
const hasRocaFingerprint = (n) => ROCA_POWERS.every(([prime, powers]) => powers.has(Number(n % prime)));

/** Why the key of `bits` bits may not be used, or "". */
export function weakness({ n, e, d, p, q, dp, dq, qInv }, bits) {
  if ([p, q, d, e].some((number) => number < 3n) || p * q !== n) return "the modulus is not the product of the two primes";
  if (p === q) return "both primes are the same";
  if (bitLength(p) !== bitLength(q)) return "the primes have different lengths";
  if (distance(p, q) <= 1n << BigInt(bits / 2 - 100)) return "the primes are too close to each other";
  const period = lcm(p - 1n, q - 1n);
  if (d >= n || (e * d) % period !== 1n) return "the exponents do not belong together";
  if (d % period <= 1n << BigInt(bits / 2)) return "the private exponent is too small";
  if (e < MIN_EXPONENT || e >= MAX_EXPONENT || !(e & 1n)) return "the public exponent is outside 65537 to 2^256";
  if (dp !== d % (p - 1n) || dq !== d % (q - 1n) || qInv >= p || (qInv * q) % p !== 1n) return "the CRT values are wrong";
  if (hasRocaFingerprint(n)) return "the modulus has the ROCA fingerprint (CVE-2017-15361)";
  if (!isPrime(p) || !isPrime(q)) return "a factor is not prime";
  return "";
}

/** All eight numbers from n, e, d and both primes, or null where the primes are none. */
export function completed({ n, e, d, p, q }) {
  const qInv = p > 1n && q > 1n ? inverse(q, p) : null;
  return qInv === null ? null : { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qInv };
}

/** The same key in one form: larger prime first, smallest d, CRT values to match. For numbers without weakness. */
export function canonical({ n, e, d, p, q }) {
  const [large, small] = p > q ? [p, q] : [q, p];
  return completed({ n, e, d: d % lcm(p - 1n, q - 1n), p: large, q: small });
}

// Times in the reader's own zone, and the time that is left, by the server's clock rather than this machine's.
import { mount } from "./dom.js";

const pad = (number) => String(number).padStart(2, "0");

// In test mode the product's clock may be days ahead; elsewhere this evens out a wrong clock on the reader's side.
const serverNow = Date.parse(document.documentElement.dataset.now ?? "");
const skew = Number.isNaN(serverNow) ? 0 : serverNow - Date.now();
export const now = () => Date.now() + skew;

/** "GMT+01:00" for the reader's zone at that moment. */
export function zone(date) {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `GMT${minutes < 0 ? "-" : "+"}${pad(Math.trunc(size / 60))}:${pad(size % 60)}`;
}

export const day = (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
export const clock = (date) => `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;

/** "YYYY-MM-DD HH:MM:SS GMT+hh:mm", the one format of the console. */
export const localTime = (date) => `${day(date)} ${clock(date)} ${zone(date)}`;

/** "3 d 4 h", "23 h 51 min", "4 min", "less than 1 min", or "" when nothing is left. */
export function left(milliseconds) {
  if (milliseconds <= 0) return "";
  const minutes = Math.floor(milliseconds / 60000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : "less than 1 min";
}

function showTime(element) {
  const date = new Date(element.getAttribute("datetime"));
  if (Number.isNaN(date.getTime())) return;
  if (element.dataset.local === "stacked") {
    const second = element.querySelector(".sub");
    element.firstChild.textContent = day(date);
    if (second) second.textContent = `${clock(date)} ${zone(date)}`;
  } else if (element.dataset.local === "day") {
    element.textContent = day(date);
  } else {
    element.textContent = localTime(date);
  }
}

export function countDown(element) {
  const until = Date.parse(element.dataset.until);
  if (Number.isNaN(until)) return;
  const rest = until - now();
  element.textContent = rest > 0 ? left(rest) : "expired";
  if (rest > 0 || element.dataset.ended === element.dataset.until) return;
  element.dataset.ended = element.dataset.until;
  element.dispatchEvent(new CustomEvent("kms:expired", { bubbles: true }));
}

mount("time[data-local]", showTime);
mount("[data-until]", countDown);
setInterval(() => document.querySelectorAll("[data-until]").forEach(countDown), 5000);

import type { Settings } from './form';

/** A view and its settings, as an address' hash has them: `#line?rate=0.1&batch=8`. */
export interface Address {
  view: string;
  settings: Settings;
}

export function readAddress(hash: string): Address {
  const [view = '', query = ''] = hash.replace(/^#/, '').split('?');
  return { view, settings: Object.fromEntries(new URLSearchParams(query)) };
}

export function writeAddress({ view, settings }: Address): string {
  // Commas and spaces as they are and as +, so that people can read what they send.
  const query = new URLSearchParams(settings).toString().replaceAll('%2C', ',');
  return query ? `#${view}?${query}` : `#${view}`;
}

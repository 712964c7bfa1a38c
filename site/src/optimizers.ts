import type { Tensor } from 'downhill';
import { Adagrad, Adam, RMSprop, SGD } from 'downhill/optim';

interface Rule {
  /** What it is called. */
  name: string;
  /** Does it scale each parameter's step by the slopes that it has seen? */
  adaptive: boolean;
  make(parameters: Tensor[], lr: number): SGD | Adam | RMSprop | Adagrad;
}

/** The rules of descent that the page's forms name. */
export const RULES = {
  sgd: { name: 'plain descent', adaptive: false, make: (p, lr) => new SGD(p, { lr }) },
  momentum: { name: 'momentum', adaptive: false, make: (p, lr) => new SGD(p, { lr, momentum: 0.9 }) },
  rmsprop: { name: 'RMSprop', adaptive: true, make: (p, lr) => new RMSprop(p, { lr }) },
  adam: { name: 'Adam', adaptive: true, make: (p, lr) => new Adam(p, { lr }) },
  adagrad: { name: 'Adagrad', adaptive: true, make: (p, lr) => new Adagrad(p, { lr }) },
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

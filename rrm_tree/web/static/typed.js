// Which of several is meant by digits: one where nine or fewer are there, two where one may begin another.

export class Typed {
  constructor() {
    this.text = "";
  }

  // The place that is meant; null while another digit may follow, or where there is no such place.
  add(digit, count) {
    const number = Number(this.text + digit);
    this.text = "";
    if (number < 1 || number > count) return null;
    if (number * 10 > count) return number - 1;
    this.text = String(number);
    return null;
  }

  // No other digit follows.
  end() {
    const place = Number(this.text) - 1;
    this.text = "";
    return place;
  }
}

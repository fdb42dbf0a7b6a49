# EventBridge Scheduler's grammar, which shoplake/schedule_expression.py also has.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

locals {
  _months   = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
  _weekdays = "SUN|MON|TUE|WED|THU|FRI|SAT"
  _values = {
    minute       = "[0-5]?\\d"
    hour         = "[01]?\\d|2[0-3]"
    day_of_month = "0?[1-9]|[12]\\d|3[01]"
    month        = "0?[1-9]|1[0-2]|${local._months}"
    day_of_week  = "[1-7]|${local._weekdays}"
    year         = "19[7-9]\\d|2[01]\\d\\d"
  }

  # A list of values and ranges, with steps but for days of the week.
  _elements = {
    for field, values in local._values :
    field => "(\\*|(${values})(-(${values}))?)${field == "day_of_week" ? "" : "(/[1-9]\\d*)?"}"
  }
  _listed = { for field, element in local._elements : field => "${element}(,${element})*" }

  # The last day, the last weekday, the weekday nearest to a day; the last Friday of a month, its second Tuesday.
  _day_of_month = "${local._listed.day_of_month}|L|LW|(${local._values.day_of_month})W"
  _day_of_week  = "${local._listed.day_of_week}|L|(${local._values.day_of_week})(L|#[1-5])"

  _rate = "rate\\((1 (minute|hour|day)|([2-9]|[1-9]\\d+) (minutes|hours|days))\\)"
  _days = "(${local._day_of_month}) (${local._listed.month}) \\?|\\? (${local._listed.month}) (${local._day_of_week})"
  _cron = "cron\\((${local._listed.minute}) (${local._listed.hour}) (${local._days}) (${local._listed.year})\\)"

  schedule_pattern = "^(${local._rate}|${local._cron})$"
}

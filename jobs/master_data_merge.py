"""What this run's changes reach: processed.* -> curated.sales, curated.daily_sales_summary,
curated.product_performance, curated.product_history and curated.customer_360, on its branch.

Each table's story stands in shoplake.spark.curated. Only what the touched keys reach is computed, only rows that come
out different are written. Read by analysts and dashboards.
"""

from shoplake.spark.curated.customer_360 import CUSTOMER_360, merge_customers
from shoplake.spark.curated.product_history import HISTORY, merge_history
from shoplake.spark.curated.product_performance import PERFORMANCE, merge_performance
from shoplake.spark.curated.sales import DAILY, SALES, merge_daily_summary, merge_sales, touched_orders
from shoplake.spark.job import JobRun


def main() -> None:
    """Sales of the touched orders, then the days and the customers that they reach; the history of touched products."""
    run = JobRun.from_argv("master_data_merge", writes=(SALES, DAILY, PERFORMANCE, HISTORY, CUSTOMER_360))
    orders = touched_orders(run)
    days, buyers = ([], None) if orders is None else merge_sales(run, orders)
    if orders is not None:
        merge_daily_summary(run, days)
    merge_performance(run, days)
    merge_history(run)
    merge_customers(run, buyers)
    run.finish()


if __name__ == "__main__":
    main()

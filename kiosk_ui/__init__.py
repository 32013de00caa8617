"""What people see: page code both nodes share (`kit`), and the patient's screens."""
